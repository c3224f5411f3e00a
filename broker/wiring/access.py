"""Who gets in: grants, and the sessions that are opened under them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from broker.domain.access import Limits
from broker.domain.grant_decisions import GrantLimits
from broker.domain.ports import CurrentTickets
from broker.services.access.approval_links import ApprovalLinks
from broker.services.access.grant_decisions import DecideGrants
from broker.services.access.grant_requests import RequestGrant
from broker.services.access.grants import Grants
from broker.services.access.open_session import OpenSession
from broker.services.ambient import utc_now
from broker.services.bulkhead import Bulkhead
from broker.services.leasing import Leasing
from broker.services.limiting import Limiter
from broker.services.revocation.ending import Ending
from broker.settings import Settings
from broker.wiring.foundation import Foundation


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    """Everything about grants but their use."""

    grants: Grants
    request: RequestGrant
    decide: DecideGrants
    links: ApprovalLinks


def build_granting(
    base: Foundation, *, tickets: CurrentTickets, limiter: Limiter, ending: Ending
) -> Granting:
    """All of it, on one foundation."""
    store = base.store
    grants = Grants(journal=store.journal, grants=store.grants, gate=base.gate, clock=utc_now)
    decide = DecideGrants(
        journal=store.journal,
        accounts=store.accounts,
        tickets=tickets,
        grants=grants,
        ending=ending,
        clock=utc_now,
    )
    return Granting(
        grants=grants,
        request=RequestGrant(
            journal=store.journal,
            accounts=store.accounts,
            tickets=tickets,
            grants=store.grants,
            leasing=Leasing(leases=store.leases, sleep=time.sleep),
            limiter=limiter,
            limits=_limits(base.settings),
            observer=base.observer,
            clock=utc_now,
            entropy=base.entropy,
        ),
        decide=decide,
        links=ApprovalLinks(
            journal=store.journal,
            links=store.approval_links,
            grants=grants,
            decide_grants=decide,
            base_url=base.settings.people_url if base.settings.oidc_issuer else None,
            clock=utc_now,
            entropy=base.entropy,
        ),
    )


def build_open_session(
    base: Foundation, *, tickets: CurrentTickets, limiter: Limiter, bulkhead: Bulkhead
) -> OpenSession:
    """The main job."""
    return OpenSession(
        journal=base.store.journal,
        accounts=base.store.accounts,
        tickets=tickets,
        grants=base.store.grants,
        minter=base.minter,
        exchange=base.exchange,
        bulkhead=bulkhead,
        limiter=limiter,
        limits=Limits(
            longest_session=base.policy.longest_session,
            standing_grant=timedelta(seconds=base.settings.standing_grant_seconds),
        ),
        name_prefix=base.settings.name_prefix,
        observer=base.observer,
        clock=utc_now,
        entropy=base.entropy,
    )


def _limits(settings: Settings) -> GrantLimits:
    return GrantLimits(
        standing=timedelta(seconds=settings.standing_grant_seconds),
        approved=timedelta(seconds=settings.max_grant_seconds),
        break_glass=timedelta(seconds=settings.break_glass_seconds),
        break_glass_reason=settings.break_glass_reason_length,
        request_waits=timedelta(seconds=settings.grant_request_seconds),
    )
