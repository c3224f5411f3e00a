"""Who gets in: grants, and the sessions that are opened under them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta

from broker.aws.action_catalogue import packaged_service_names
from broker.aws.clients import AwsLocation
from broker.aws.signin import FederatedConsole
from broker.domain.access import Limits
from broker.domain.grant_decisions import GrantLimits
from broker.domain.ports import CurrentTickets
from broker.http.outbound import Outbound
from broker.services.access.approval_links import ApprovalLinks
from broker.services.access.console import Console
from broker.services.access.grant_decisions import DecideGrants
from broker.services.access.grant_requests import RequestGrant
from broker.services.access.grants import Grants
from broker.services.access.known_services import KnownServices
from broker.services.access.open_session import OpenSession
from broker.services.access.prospects import Prospects
from broker.services.access.session_decisions import SessionDecisions
from broker.services.ambient import utc_now
from broker.services.bulkhead import Bulkhead
from broker.services.leasing import Leasing
from broker.services.limiting import Limiter
from broker.services.reading import Reading
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
    grants = Grants(grants=store.grants, gate=base.gate, clock=utc_now)
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
        decisions=SessionDecisions(
            accounts=base.store.accounts,
            tickets=tickets,
            grants=base.store.grants,
            limits=_session_limits(base),
        ),
        minter=base.minter,
        exchange=base.exchange,
        bulkhead=bulkhead,
        limiter=limiter,
        known_services=KnownServices(packaged_service_names),
        name_prefix=base.settings.name_prefix,
        observer=base.observer,
        tallies=base.tallies,
        clock=utc_now,
        entropy=base.entropy,
    )


def build_prospects(base: Foundation, reading: Reading) -> Prospects:
    """What tickets lead to, by the same limits."""
    return Prospects(
        reading=reading,
        accounts=base.store.accounts,
        grants=base.store.grants,
        limits=_session_limits(base),
        clock=utc_now,
    )


def _session_limits(base: Foundation) -> Limits:
    return Limits(
        longest_session=base.policy.longest_session,
        standing_grant=timedelta(seconds=base.settings.standing_grant_seconds),
    )


def build_console(
    base: Foundation, *, open_session: OpenSession, limiter: Limiter, bulkhead: Bulkhead
) -> Console:
    """The way into AWS's console; the sandbox is one endpoint for this too."""
    settings = base.settings
    return Console(
        journal=base.store.journal,
        sessions=base.store.sessions,
        # Within a place of the console's own; there are never more sessions than threads.
        open_session=replace(open_session, bulkhead=Bulkhead(settings.threads)),
        sign_in=FederatedConsole(
            # A host of AWS's or the operator's own, which is where people are sent as well.
            Outbound(endpoint_url=None),
            location=AwsLocation(region=settings.aws_region),
            issuer=settings.people_url,
            endpoint_url=settings.signin_endpoint_url or settings.aws_endpoint_url,
        ),
        gate=base.gate,
        limiter=limiter,
        bulkhead=bulkhead,
        clock=utc_now,
    )


def _limits(settings: Settings) -> GrantLimits:
    return GrantLimits(
        standing=timedelta(seconds=settings.standing_grant_seconds),
        approved=timedelta(seconds=settings.max_grant_seconds),
        break_glass=timedelta(seconds=settings.break_glass_seconds),
        break_glass_reason=settings.break_glass_reason_length,
        request_waits=timedelta(seconds=settings.grant_request_seconds),
    )
