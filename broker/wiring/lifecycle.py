"""What keeps an account as it is wanted: keys, roles, revocations, removal."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from broker.services.ambient import utc_now
from broker.services.background.backoff import retry_after
from broker.services.insight.overview import Overviews
from broker.services.leasing import Leasing
from broker.services.ledger.signing import LedgerSigning
from broker.services.lifecycle.accounts import Accounts
from broker.services.lifecycle.carrying_out import CarryOut
from broker.services.lifecycle.key_keeping import KeyKeeping
from broker.services.lifecycle.orphans import Orphans
from broker.services.lifecycle.reconcile import Reconcile
from broker.services.lifecycle.removal import DELETION_DAYS, TOKENS_LIVE, Removal
from broker.services.lifecycle.rotating import Rotating
from broker.services.lifecycle.settling import Settling
from broker.services.lifecycle.withdrawal import Withdraw
from broker.settings import KeyProviderName, Settings
from broker.wiring.foundation import Foundation
from broker.wiring.revocation import Revocation, build_revocation
from keys.rotation_plan import RotationPolicy

_MONTHLY_USD = {KeyProviderName.KMS: 1, KeyProviderName.LOCAL: 0}
"""AWS KMS pricing: storing a key costs one dollar a month, of whatever kind it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Everything that works on accounts."""

    accounts: Accounts
    reconcile: Reconcile
    removal: Removal
    revocation: Revocation
    rotating: Rotating
    settling: Settling
    withdraw: Withdraw


def build_lifecycle(base: Foundation, signing: LedgerSigning) -> Lifecycle:
    """All of it, on one foundation; `signing` signs a ledger before its keys go."""
    journal, accounts, gate = base.store.journal, base.store.accounts, base.gate
    leasing = Leasing(leases=base.store.leases, sleep=time.sleep)
    carry_out = CarryOut(journal=journal, clock=utc_now)
    key_keeping = KeyKeeping(
        journal=journal,
        accounts=accounts,
        providers=base.key_providers,
        maker=base.settings.key_provider.value,
        algorithm=base.settings.key_algorithm,
        canaries=base.canaries,
        policy=_rotation_policy(base.settings),
        clock=utc_now,
    )
    settling = Settling(
        journal=journal,
        accounts=accounts,
        retry_after=retry_after,
        keys_due=key_keeping.next_check,
        clock=utc_now,
    )
    removal = Removal(
        journal=journal,
        gate=gate,
        management=base.management,
        carry_out=carry_out,
        settling=settling,
        key_keeping=key_keeping,
        sign_last=signing.last,
        policy=base.policy,
        clock=utc_now,
    )
    reconcile = Reconcile(
        journal=journal,
        gate=gate,
        leasing=leasing,
        key_keeping=key_keeping,
        management=base.management,
        carry_out=carry_out,
        canaries=base.canaries,
        removal=removal,
        settling=settling,
        policy=base.policy,
        clock=utc_now,
    )
    revocation = build_revocation(base, reconcile)
    return Lifecycle(
        accounts=Accounts(
            journal=journal,
            accounts=accounts,
            gate=gate,
            leasing=leasing,
            key_keeping=key_keeping,
            issuer_base=base.settings.issuer_url,
            partition=base.partition,
            longest_session=base.policy.longest_session,
            clock=utc_now,
            entropy=base.entropy,
        ),
        reconcile=reconcile,
        removal=removal,
        revocation=revocation,
        rotating=Rotating(
            journal=journal,
            accounts=accounts,
            gate=gate,
            leasing=leasing,
            key_keeping=key_keeping,
            reconcile=reconcile,
            ends=revocation.ends,
            canaries=base.canaries,
            longest_session=base.policy.longest_session,
            clock=utc_now,
        ),
        settling=settling,
        withdraw=Withdraw(
            leasing=leasing,
            management=base.management,
            carry_out=carry_out,
            settling=settling,
            policy=base.policy,
            clock=utc_now,
        ),
    )


def build_overviews(base: Foundation) -> Overviews:
    """Everything at a glance."""
    return Overviews(
        accounts=base.store.accounts,
        sessions=base.store.sessions,
        tallies=base.tallies,
        rotation=_rotation_policy(base.settings),
        gate=base.gate,
        clock=utc_now,
    )


def build_orphans(base: Foundation) -> Orphans:
    """Keys that no account owns."""
    name = base.settings.key_provider
    return Orphans(
        journal=base.store.journal,
        accounts=base.store.accounts,
        gate=base.gate,
        provider=base.key_providers[name.value],
        monthly_usd=_MONTHLY_USD[name],
        clock=utc_now,
    )


def _rotation_policy(settings: Settings) -> RotationPolicy:
    """A retiring key outlasts its last token and every copy of a JWKS without its successor."""
    cached = timedelta(seconds=settings.jwks_max_age_seconds + settings.aws_jwks_cache_seconds)
    return RotationPolicy(
        rotate_every=timedelta(days=settings.key_rotation_days),
        publish_before_use=timedelta(hours=settings.key_publish_hours),
        keep_published=TOKENS_LIVE + cached,
        deletion_days=DELETION_DAYS,
    )
