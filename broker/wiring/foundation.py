"""What nearly every service stands on: the store, AWS, the keys, and what the operator decided."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from broker.aws.clients import AwsLocation, Clients
from broker.aws.management_role import StsManagementRole
from broker.aws.web_identity import StsWebIdentity
from broker.domain.accounts import Account, AccountState
from broker.domain.identifiers import AccountId
from broker.domain.ports import AccountRepository
from broker.domain.role_plan import RolePolicy
from broker.errors import ConfigurationError
from broker.services.ambient import Entropy, utc_now
from broker.services.authorization import Gate
from broker.services.issuer.minting import Minter
from broker.services.issuer.own_access import OwnAccess
from broker.services.lifecycle.canaries import Canaries
from broker.services.limiting import Limiter, RateLimits
from broker.services.observations import Observer
from broker.services.tallying import Tallies
from broker.settings import KeyProviderName, Settings
from broker.store import Store, open_store
from keys.kms import KmsKeyProvider
from keys.local import LocalKeyProvider
from keys.types import KeyProvider

_SPARE_CONNECTIONS = 4
"""Beyond one a thread, for what runs in the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """One of each; services share them."""

    settings: Settings
    observer: Observer
    partition: str
    clients: Clients
    store: Store
    gate: Gate
    limiter: Limiter
    tallies: Tallies
    entropy: Entropy
    policy: RolePolicy
    key_providers: Mapping[str, KeyProvider]
    minter: Minter
    exchange: StsWebIdentity
    own_access: OwnAccess
    canaries: Canaries
    management: StsManagementRole


def lay_foundation(settings: Settings, observer: Observer) -> Foundation:
    """Raises ConfigurationError where the store or the keys cannot be used as configured."""
    connections = settings.threads + _SPARE_CONNECTIONS
    location = AwsLocation(region=settings.aws_region, endpoint_url=settings.aws_endpoint_url)
    clients = Clients(location, connections=connections)
    store = open_store(
        settings.store_url.get_secret_value(),
        connections=connections,
        concerned=settings.webhooks_file.concerned,
    )
    limiter = _limiter(settings, store)
    entropy = Entropy()
    policy = RolePolicy(
        name_prefix=settings.name_prefix,
        longest_session=timedelta(seconds=settings.max_session_seconds),
        pinned_partitions=settings.pinned_partitions,
        thumbprints=settings.issuer_thumbprints,
    )
    key_providers = {settings.key_provider.value: _key_provider(settings, clients)}
    minter = Minter(key_providers=key_providers)
    gate = Gate(journal=store.journal, clock=utc_now, count_refusal=limiter.require_refusal)
    exchange = StsWebIdentity(clients.unsigned_sts())
    return Foundation(
        settings=settings,
        observer=observer,
        partition=location.partition,
        clients=clients,
        store=store,
        gate=gate,
        limiter=limiter,
        tallies=Tallies(kept=store.tallies, clock=utc_now, gate=gate),
        entropy=entropy,
        policy=policy,
        key_providers=key_providers,
        minter=minter,
        exchange=exchange,
        own_access=OwnAccess(
            minter=minter,
            exchange=exchange,
            name_prefix=settings.name_prefix,
            clock=utc_now,
            entropy=entropy,
        ),
        canaries=Canaries(
            minter=minter,
            exchange=exchange,
            policy=policy,
            clock=utc_now,
            entropy=entropy,
            sleep=time.sleep,
            neighbour=partial(_neighbour, store.accounts),
        ),
        management=StsManagementRole(clients=clients, name_prefix=settings.name_prefix),
    )


def _limiter(settings: Settings, store: Store) -> Limiter:
    """The limits of what an authenticated caller asks for."""
    return Limiter(
        journal=store.journal,
        windows=store.windows,
        limits=RateLimits(
            per_engineer=settings.limit_sessions_per_engineer,
            per_account=settings.limit_sessions_per_account,
            per_caller=settings.limit_sessions_per_caller,
            overall=settings.limit_sessions_overall,
            requests_per_caller=settings.limit_requests_per_caller,
            refusals_per_caller=settings.limit_refusals_per_caller,
            break_glass_per_engineer=settings.limit_break_glass_per_engineer,
        ),
        clock=utc_now,
    )


def _neighbour(accounts: AccountRepository, account_id: AccountId) -> Account | None:
    """Some other account that is active; the first few are enough to look at."""
    return next(
        (
            other
            for other in accounts.page(cursor=None, limit=10).items
            if other.account_id != account_id and other.state is AccountState.ACTIVE
        ),
        None,
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
