"""What reads the customers' trails: activity of sessions, and the comparison with the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from broker.aws.cloudtrail import CloudTrailHistory, pace
from broker.aws.partitions import regions_beside
from broker.domain.trail.regions import TrailRegions
from broker.services.ambient import utc_now
from broker.services.bulkhead import Bulkhead, places_for_visits
from broker.services.trail.activity import ReadActivity
from broker.services.trail.reconciliation import ReconcileLedger
from broker.services.trail.visits import TrailVisits
from broker.wiring.foundation import Foundation


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailServices:
    """Both of them."""

    activity: ReadActivity
    reconcile: ReconcileLedger


def build_trail(base: Foundation, bulkhead: Bulkhead) -> TrailServices:
    """They share one pace: AWS counts per account and Region, not per use."""
    store = base.store
    visits = TrailVisits(
        journal=store.journal,
        own_access=base.own_access,
        bulkhead=Bulkhead(places_for_visits(base.settings.threads), within=bulkhead),
        clock=utc_now,
        entropy=base.entropy,
    )
    trail = CloudTrailHistory(client=base.clients.cloudtrail, pace=pace())
    beside = regions_beside(base.settings.aws_region)
    regions = TrailRegions(
        own=base.settings.aws_region,
        of_global_services=beside.of_global_services,
        all=beside.all,
    )
    return TrailServices(
        activity=ReadActivity(
            accounts=store.accounts,
            sessions=store.sessions,
            gate=base.gate,
            visits=visits,
            trail=trail,
            regions=regions,
            clock=utc_now,
        ),
        reconcile=ReconcileLedger(
            journal=store.journal,
            accounts=store.accounts,
            gate=base.gate,
            visits=visits,
            trail=trail,
            regions=regions,
            policy=base.policy,
            clock=utc_now,
        ),
    )
