"""From settings to services: the only package that knows every adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from broker.domain.identifiers import AccountId
from broker.domain.identity.openid_provider import TerminalClient
from broker.domain.onboarding import Onboarding
from broker.domain.ports import IdempotencyRepository, TaskKind
from broker.services.access.console import Console
from broker.services.access.open_session import OpenSession
from broker.services.access.prospects import Prospects
from broker.services.ambient import Clock, utc_now
from broker.services.background.backoff import retry_after
from broker.services.background.crew import Handler
from broker.services.background.worker import Worker
from broker.services.bulkhead import Bulkhead, places_of
from broker.services.calls import Call
from broker.services.diagnosis.doctoring import Doctor
from broker.services.diagnosis.proving import Prove
from broker.services.diagnosis.readiness import Readiness, ReadinessCheck
from broker.services.hooks.reception import HookReception
from broker.services.hooks.work import HookWork
from broker.services.identity.acceptances import Acceptances
from broker.services.identity.api_tokens import ApiTokens
from broker.services.identity.authentication import Authentication
from broker.services.identity.sign_in import SignIn
from broker.services.insight.overview import Overviews
from broker.services.insight.searching import Search
from broker.services.issuer.directory import IssuerDirectory
from broker.services.lifecycle.accounts import Accounts
from broker.services.lifecycle.orphans import Orphans
from broker.services.lifecycle.reconcile import Depth, Reconcile
from broker.services.lifecycle.removal import Removal
from broker.services.lifecycle.rotating import Rotating
from broker.services.limiting import Limiter
from broker.services.observations import Observer
from broker.services.reading import Reading
from broker.services.revocation.ending import Ending
from broker.services.revocation.mass_revoking import RevokeMany
from broker.services.revocation.revoking import Revoking
from broker.services.tallying import Tallies
from broker.services.tickets.writing import Tickets
from broker.services.trail.activity import ReadActivity
from broker.services.trail.reconciliation import ReconcileLedger
from broker.services.webhooks.endpoints import Webhooks
from broker.settings import Settings
from broker.store import Store
from broker.wiring.access import (
    Granting,
    build_console,
    build_granting,
    build_open_session,
    build_prospects,
)
from broker.wiring.diagnosis import build_doctor, build_prove
from broker.wiring.foundation import lay_foundation
from broker.wiring.hooks import build_hooks
from broker.wiring.ledger import Ledger, build_ledger
from broker.wiring.lifecycle import Lifecycle, build_lifecycle, build_orphans, build_overviews
from broker.wiring.limits import build_admission
from broker.wiring.sign_in import build_provider, build_sign_in, terminal_client
from broker.wiring.tickets import build_ticket_desk
from broker.wiring.trail import build_trail
from broker.wiring.webhooks import build_webhooks

_outage_pause = partial(retry_after, first=timedelta(seconds=1), longest=timedelta(seconds=15))
"""How long a worker waits for a store that is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the edges may ask for."""

    acceptances: Acceptances
    accounts: Accounts
    activity: ReadActivity
    api_tokens: ApiTokens
    authentication: Authentication
    clock: Clock
    console: Console
    doctor: Doctor
    ending: Ending
    granting: Granting
    hook_reception: HookReception | None
    idempotency: IdempotencyRepository
    issuers: IssuerDirectory
    jwks_max_age: int
    ledger: Ledger
    limiter: Limiter
    onboarding: Onboarding
    open_session: OpenSession
    orphans: Orphans
    overview: Overviews
    prospects: Prospects
    prove: Prove
    public_url: str
    reading: Reading
    readiness: Callable[[], Readiness]
    reconcile: Reconcile
    reconcile_ledger: ReconcileLedger
    removal: Removal
    revoke_many: RevokeMany
    revoking: Revoking
    search: Search
    tallies: Tallies
    rotating: Rotating
    sign_in: SignIn | None
    store: Store
    terminal_client: TerminalClient | None
    tickets: Tickets
    trusted_proxies: int
    webhooks: Webhooks
    worker: Worker

    def close(self) -> None:
        """Give back what is held: connections, and the embedded server if it was ours."""
        self.acceptances.flush()
        self.tallies.flush()
        self.store.close()


def build(settings: Settings, observer: Observer) -> Services:
    """All services for `settings`. Build them after a fork: they hold connections.

    Raises ConfigurationError where the store or the keys cannot be used as configured.
    """
    base = lay_foundation(settings, observer)
    store = base.store
    provider = build_provider(base)
    admission = build_admission(base, provider.authenticators() if provider else None)
    ledger = build_ledger(base)
    lifecycle = build_lifecycle(base, ledger.signing)
    desk = build_ticket_desk(base, lifecycle.revocation.ending)
    hooks = build_hooks(base, lifecycle)
    bulkhead = Bulkhead(places_of(settings.threads))
    trail = build_trail(base, bulkhead)
    webhooks = build_webhooks(base)
    open_session = build_open_session(
        base, tickets=desk.current, limiter=admission.limiter, bulkhead=bulkhead
    )
    reading = Reading(
        journal=store.journal,
        accounts=store.accounts,
        tickets=store.tickets,
        sessions=store.sessions,
        api_tokens=store.api_tokens,
        gate=base.gate,
    )
    issuers = IssuerDirectory(accounts=store.accounts, clock=utc_now)
    return Services(
        accounts=lifecycle.accounts,
        activity=trail.activity,
        acceptances=admission.acceptances,
        api_tokens=admission.api_tokens,
        authentication=admission.authentication,
        clock=utc_now,
        console=build_console(
            base, open_session=open_session, limiter=admission.limiter, bulkhead=bulkhead
        ),
        doctor=build_doctor(base),
        ending=lifecycle.revocation.ending,
        granting=build_granting(
            base,
            tickets=desk.current,
            limiter=admission.limiter,
            ending=lifecycle.revocation.ending,
        ),
        hook_reception=hooks.reception,
        idempotency=store.idempotency,
        issuers=issuers,
        jwks_max_age=settings.jwks_max_age_seconds,
        ledger=ledger,
        limiter=admission.limiter,
        onboarding=Onboarding(
            vendor_account_id=settings.vendor_account_id,
            template_url=settings.template_url or f"{settings.issuer_url}/onboarding/template.yaml",
            name_prefix=settings.name_prefix,
            topics=settings.hook_topics,
        ),
        open_session=open_session,
        orphans=build_orphans(base),
        overview=build_overviews(base),
        prospects=build_prospects(base, reading),
        prove=build_prove(base),
        public_url=settings.people_url,
        reading=reading,
        readiness=ReadinessCheck(store=store, issuers=issuers, clock=utc_now),
        reconcile=lifecycle.reconcile,
        reconcile_ledger=trail.reconcile,
        removal=lifecycle.removal,
        revoke_many=lifecycle.revocation.many,
        revoking=lifecycle.revocation.revoking,
        search=Search(reading=reading),
        tallies=base.tallies,
        rotating=lifecycle.rotating,
        sign_in=build_sign_in(base, provider, admission.authentication),
        store=store,
        terminal_client=terminal_client(settings),
        tickets=desk.tickets,
        trusted_proxies=settings.trusted_proxies,
        webhooks=webhooks.webhooks,
        worker=Worker(
            agenda=store.agenda,
            handlers={
                **_handlers(lifecycle, ledger, hooks.work),
                **desk.handlers,
                **webhooks.handlers,
            },
            observer=observer,
            retry_after=retry_after,
            outage_pause=_outage_pause,
            clock=utc_now,
            threads=settings.worker_threads,
            standing=webhooks.standing,
        ),
    )


def _handlers(lifecycle: Lifecycle, ledger: Ledger, hooks: HookWork) -> Mapping[TaskKind, Handler]:
    """Who works on what is due."""

    def account(subject: str, call: Call) -> None:
        account_id = AccountId.parse(subject)
        lifecycle.reconcile.run(account_id, call, depth=Depth.FULL)
        ledger.signing.when_due(account_id, call)

    return {
        TaskKind.ACCOUNT: account,
        TaskKind.HOOK: hooks,
        TaskKind.SESSION: lifecycle.revocation.probing,
    }
