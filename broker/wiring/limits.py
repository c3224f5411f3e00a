"""Who may ask, and how often: authentication and rate limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from broker.services.ambient import utc_now
from broker.services.identity.acceptances import Acceptances
from broker.services.identity.api_tokens import ApiTokens
from broker.services.identity.authentication import (
    Authentication,
    Authenticator,
    CredentialKind,
    SignInLimits,
)
from broker.services.limiting import Limiter
from broker.wiring.foundation import Foundation


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What a request passes before anything is decided about it."""

    api_tokens: ApiTokens
    acceptances: Acceptances
    authentication: Authentication
    limiter: Limiter


def build_admission(
    base: Foundation, people: Mapping[CredentialKind, Authenticator] | None = None
) -> Admission:
    """All of it, on one foundation; `people` are the ways in which they say who they are."""
    settings, store = base.settings, base.store
    api_tokens = ApiTokens(
        journal=store.journal,
        tokens=store.api_tokens,
        gate=base.gate,
        longest_life=timedelta(days=settings.api_token_max_days),
        clock=utc_now,
        entropy=base.entropy,
    )
    acceptances = Acceptances(kept=store.acceptances, clock=utc_now)
    return Admission(
        api_tokens=api_tokens,
        acceptances=acceptances,
        authentication=Authentication(
            authenticators={CredentialKind.API_TOKEN: api_tokens, **(people or {})},
            acceptances=acceptances,
            journal=store.journal,
            windows=store.windows,
            limits=SignInLimits(
                per_address=settings.limit_failed_sign_ins_per_address,
                overall=settings.limit_failed_sign_ins_overall,
            ),
            clock=utc_now,
        ),
        limiter=base.limiter,
    )
