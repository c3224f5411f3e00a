"""From settings to services: the only module that knows every adapter."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from broker.aws.action_catalogue import PackagedCatalogue
from broker.aws.clients import AwsLocation, Clients
from broker.aws.issuer_site import HttpIssuerSite
from broker.aws.management_role import StsManagementRole
from broker.aws.own_identity import StsMirror
from broker.aws.web_identity import StsWebIdentity
from broker.domain.access import Limits
from broker.domain.identifiers import AccountId
from broker.domain.onboarding import Onboarding
from broker.domain.ports import IdempotencyRepository, TaskKind
from broker.domain.role_plan import RolePolicy
from broker.errors import ConfigurationError
from broker.services.accounts import Accounts
from broker.services.ambient import Clock, Entropy, utc_now
from broker.services.api_tokens import ApiTokens
from broker.services.authorization import Gate
from broker.services.backoff import retry_after
from broker.services.canaries import SETTLED_ROLE_WAITS, Canaries
from broker.services.carrying_out import CarryOut
from broker.services.crew import Handler
from broker.services.doctoring import Doctor
from broker.services.examinations.enforcement import EnforcementExamination
from broker.services.examinations.estate import EstateExamination
from broker.services.examinations.publication import PublicationExamination
from broker.services.examinations.signing import SigningExamination
from broker.services.examinations.surroundings import Surroundings
from broker.services.hook_decisions import HookDecisions
from broker.services.hook_reception import HookReception
from broker.services.hook_work import HookWork
from broker.services.issuer_directory import IssuerDirectory
from broker.services.key_keeping import KeyKeeping
from broker.services.leasing import Leasing
from broker.services.minting import Minter
from broker.services.observations import Observer
from broker.services.open_session import OpenSession
from broker.services.proving import Prove
from broker.services.readiness import Readiness, ReadinessCheck
from broker.services.reading import Reading
from broker.services.reconcile import Depth, Reconcile
from broker.services.removal import DELETION_DAYS, TOKENS_LIVE, Removal
from broker.services.revoking import Revoking
from broker.services.rotating import Rotating
from broker.services.settling import Settling
from broker.services.tickets import Tickets
from broker.services.withdrawal import Withdraw
from broker.services.worker import Worker
from broker.settings import KeyProviderName, Settings
from broker.store import Store, open_store
from broker.wiring_hooks import build_hooks
from keys.kms import KmsKeyProvider
from keys.local import LocalKeyProvider
from keys.rotation_plan import RotationPolicy
from keys.types import KeyProvider

_SPARE_CONNECTIONS = 4
"""Beyond one a thread, for what runs in the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the edges may ask for."""

    accounts: Accounts
    api_tokens: ApiTokens
    clock: Clock
    doctor: Doctor
    hook_reception: HookReception | None
    idempotency: IdempotencyRepository
    issuers: IssuerDirectory
    jwks_max_age: int
    onboarding: Onboarding
    open_session: OpenSession
    prove: Prove
    reading: Reading
    readiness: Callable[[], Readiness]
    reconcile: Reconcile
    removal: Removal
    revoking: Revoking
    rotating: Rotating
    store: Store
    tickets: Tickets
    trusted_proxies: int
    worker: Worker

    def close(self) -> None:
        """Give back what is held: connections, and the embedded server if it was ours."""
        self.store.close()


def build(settings: Settings, observer: Observer) -> Services:
    """All services for `settings`. Build them after a fork: they hold connections.

    Raises ConfigurationError where the store or the keys cannot be used as configured.
    """
    location = AwsLocation(region=settings.aws_region, endpoint_url=settings.aws_endpoint_url)
    clients = Clients(location, connections=settings.threads + _SPARE_CONNECTIONS)
    store = open_store(
        settings.store_url.get_secret_value(), connections=settings.threads + _SPARE_CONNECTIONS
    )
    gate = Gate(journal=store.journal, clock=utc_now)
    entropy = Entropy()
    policy = RolePolicy(
        name_prefix=settings.name_prefix,
        longest_session=timedelta(seconds=settings.max_session_seconds),
        pinned_partitions=settings.pinned_partitions,
    )
    keys = _key_provider(settings, clients)
    minter = Minter(key_providers={settings.key_provider.value: keys})
    exchange = StsWebIdentity(clients.unsigned_sts())
    site = HttpIssuerSite()
    issuers = IssuerDirectory(accounts=store.accounts, clock=utc_now)
    management = StsManagementRole(clients=clients, name_prefix=settings.name_prefix)
    carry_out = CarryOut(journal=store.journal, clock=utc_now)
    settling = Settling(
        journal=store.journal,
        accounts=store.accounts,
        retry_after=retry_after,
        clock=utc_now,
    )
    removal = Removal(
        journal=store.journal,
        gate=gate,
        management=management,
        carry_out=carry_out,
        settling=settling,
        key_providers={settings.key_provider.value: keys},
        policy=policy,
        clock=utc_now,
    )
    canaries = Canaries(
        minter=minter,
        exchange=exchange,
        policy=policy,
        clock=utc_now,
        entropy=entropy,
        sleep=time.sleep,
    )
    leasing = Leasing(leases=store.leases, sleep=time.sleep)
    key_keeping = KeyKeeping(
        journal=store.journal,
        accounts=store.accounts,
        providers={settings.key_provider.value: keys},
        maker=settings.key_provider.value,
        algorithm=settings.key_algorithm,
        canaries=canaries,
        policy=_rotation_policy(settings),
        clock=utc_now,
    )
    reconcile = Reconcile(
        journal=store.journal,
        gate=gate,
        leasing=leasing,
        management=management,
        carry_out=carry_out,
        canaries=canaries,
        removal=removal,
        settling=settling,
        policy=policy,
        clock=utc_now,
    )
    hooks = build_hooks(
        settings,
        store=store,
        clients=clients,
        decisions=HookDecisions(
            journal=store.journal,
            management=management,
            reconcile=reconcile,
            removal=removal,
            withdraw=Withdraw(
                leasing=leasing,
                management=management,
                carry_out=carry_out,
                settling=settling,
                policy=policy,
                clock=utc_now,
            ),
            settling=settling,
            name_prefix=settings.name_prefix,
            clock=utc_now,
        ),
        observer=observer,
    )
    return Services(
        accounts=Accounts(
            journal=store.journal,
            accounts=store.accounts,
            gate=gate,
            leasing=leasing,
            key_keeping=key_keeping,
            issuer_base=settings.issuer_url,
            partition=location.partition,
            longest_session=policy.longest_session,
            clock=utc_now,
            entropy=entropy,
        ),
        api_tokens=ApiTokens(
            journal=store.journal,
            tokens=store.api_tokens,
            gate=gate,
            clock=utc_now,
            entropy=entropy,
        ),
        clock=utc_now,
        doctor=Doctor(
            accounts=store.accounts,
            gate=gate,
            surroundings=Surroundings(
                issuer_base=settings.issuer_url,
                vendor_account_id=settings.vendor_account_id,
                store=store,
                mirror=StsMirror(clients.sts()),
                site=site,
                clock=utc_now,
            ),
            signing=SigningExamination(
                key_providers={settings.key_provider.value: keys}, entropy=entropy
            ),
            publication=PublicationExamination(issuer_base=settings.issuer_url, site=site),
            estate=EstateExamination(
                management=management, policy=policy, clock=utc_now, entropy=entropy
            ),
            enforcement=EnforcementExamination(
                # The roles have stood for a while, so nobody waits long for them.
                canaries=replace(canaries, waits=SETTLED_ROLE_WAITS),
                journal=store.journal,
                clock=utc_now,
            ),
        ),
        idempotency=store.idempotency,
        hook_reception=hooks.reception,
        issuers=issuers,
        jwks_max_age=settings.jwks_max_age_seconds,
        onboarding=Onboarding(
            vendor_account_id=settings.vendor_account_id,
            template_url=settings.template_url or f"{settings.issuer_url}/onboarding/template.yaml",
            name_prefix=settings.name_prefix,
            topics=settings.hook_topics,
        ),
        open_session=OpenSession(
            journal=store.journal,
            accounts=store.accounts,
            tickets=store.tickets,
            grants=store.grants,
            minter=minter,
            exchange=exchange,
            limits=Limits(
                longest_session=policy.longest_session,
                standing_grant=timedelta(seconds=settings.standing_grant_seconds),
            ),
            name_prefix=settings.name_prefix,
            observer=observer,
            clock=utc_now,
            entropy=entropy,
        ),
        prove=Prove(
            journal=store.journal,
            accounts=store.accounts,
            gate=gate,
            management=management,
            catalogue=PackagedCatalogue(),
            policy=policy,
            clock=utc_now,
        ),
        reading=Reading(
            journal=store.journal,
            accounts=store.accounts,
            tickets=store.tickets,
            sessions=store.sessions,
            api_tokens=store.api_tokens,
            gate=gate,
        ),
        readiness=ReadinessCheck(store=store, issuers=issuers, clock=utc_now),
        reconcile=reconcile,
        removal=removal,
        revoking=Revoking(
            journal=store.journal,
            accounts=store.accounts,
            sessions=store.sessions,
            gate=gate,
            reconcile=reconcile,
            longest_session=policy.longest_session,
            clock=utc_now,
        ),
        rotating=Rotating(
            journal=store.journal,
            accounts=store.accounts,
            gate=gate,
            leasing=leasing,
            key_keeping=key_keeping,
            reconcile=reconcile,
            canaries=canaries,
            longest_session=policy.longest_session,
            clock=utc_now,
        ),
        store=store,
        tickets=Tickets(journal=store.journal, tickets=store.tickets, gate=gate, clock=utc_now),
        trusted_proxies=settings.trusted_proxies,
        worker=Worker(
            agenda=store.agenda,
            handlers=_handlers(reconcile, hooks.work),
            observer=observer,
            retry_after=retry_after,
            outage_pause=partial(
                retry_after, first=timedelta(seconds=1), longest=timedelta(seconds=15)
            ),
            clock=utc_now,
            threads=settings.worker_threads,
        ),
    )


def _handlers(reconcile: Reconcile, hooks: HookWork) -> Mapping[TaskKind, Handler]:
    """Who works on what is due."""
    return {
        TaskKind.ACCOUNT: lambda account_id, call: reconcile.run(
            AccountId.parse(account_id), call, depth=Depth.FULL
        ),
        TaskKind.HOOK: hooks,
    }


def _rotation_policy(settings: Settings) -> RotationPolicy:
    """A retiring key outlasts its last token and every copy of a JWKS without its successor."""
    cached = timedelta(seconds=settings.jwks_max_age_seconds + settings.aws_jwks_cache_seconds)
    return RotationPolicy(
        rotate_every=timedelta(days=settings.key_rotation_days),
        publish_before_use=timedelta(hours=settings.key_publish_hours),
        keep_published=TOKENS_LIVE + cached,
        deletion_days=DELETION_DAYS,
    )


def _key_provider(settings: Settings, clients: Clients) -> KeyProvider:
    if settings.key_provider is KeyProviderName.KMS:
        return KmsKeyProvider(
            clients.kms(),
            alias_prefix=f"{settings.name_prefix.lower()}-support",
            tags={"ManagedBy": f"{settings.name_prefix}-Support"},
        )
    passphrase = settings.local_keys_passphrase
    if passphrase is None:
        raise ConfigurationError(["BROKER_LOCAL_KEYS_PASSPHRASE: must be set"])
    return LocalKeyProvider(
        Path(settings.local_keys_folder),
        passphrase=passphrase.get_secret_value().encode("utf-8"),
        clock=utc_now,
    )
