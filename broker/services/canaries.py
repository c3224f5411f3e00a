"""Proving an account: AWS accepts a good token and refuses every spoilt one (promise 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from broker.domain.accounts import Account, subject_of
from broker.domain.canaries import (
    CANARY_ENGINEER,
    CANARY_TICKET,
    Claims,
    NegativeCanary,
    negative_canaries,
)
from broker.domain.claims import TokenSubject, identity_claims
from broker.domain.grants import Access
from broker.domain.iam_documents import deny_everything
from broker.domain.identifiers import AccountId
from broker.domain.ports import WebIdentityExchange
from broker.domain.role_plan import RolePolicy, role_arn
from broker.domain.sessions import SHORTEST, role_session_name
from broker.errors import DependencyUnavailable, UpstreamRejected
from broker.services.ambient import Clock, Entropy
from broker.services.minting import Minter
from keys.types import KeyReference

FRESH_ROLE_WAITS = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 3, 4, 5, 5, 5, 5))
"""Waits between tries of a positive canary: AWS was seen to refuse a new role for up to 8 s."""

SETTLED_ROLE_WAITS = FRESH_ROLE_WAITS[:2]
"""The same for a role that is not new: only what a change a moment ago needs."""


_log = structlog.get_logger(__name__)


def nobody(_: AccountId) -> None:
    """There is no other account."""


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """What became of one canary; `problem` is None where AWS did as it must."""

    name: str
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Canaries:
    """Runs the canaries of an account."""

    minter: Minter
    exchange: WebIdentityExchange
    policy: RolePolicy
    clock: Clock
    entropy: Entropy
    sleep: Callable[[float], None]
    waits: Sequence[timedelta] = FRESH_ROLE_WAITS
    neighbour: Callable[[AccountId], Account | None] = nobody
    """Another account whose token must be refused here; None where there is none yet."""

    def prove(self, account: Account) -> Iterator[CanaryResult]:
        """The results of both roles' canaries. Raises like `of_role`."""
        for access in Access:
            yield from self.of_role(account, access)

    def of_role(self, account: Account, access: Access) -> Iterator[CanaryResult]:
        """A role's positive canary, and only where that passed, its negative ones.

        Raises DependencyUnavailable where AWS cannot be asked, and UpstreamRejected where it
        cannot fetch our keys any more: a check that could not run is never a pass.
        """
        positive = self._positive(account, access)
        yield positive
        if positive.problem is None:
            other = Access.CASE if access is Access.READ else Access.READ
            yield from self._negatives(account, access, other)

    def prove_key(self, account: Account, key: KeyReference) -> CanaryResult:
        """Whether AWS accepts a good token that this key of the account has signed, tried once.

        The account's roles have to stand. Raises DependencyUnavailable where AWS, or the key,
        cannot be asked.
        """
        name = f"{Access.READ.value}: a good token of the key {key.kid}"
        try:
            self._exchange(account, Access.READ, lambda claims: claims, key=key)
        except UpstreamRejected as e:
            return CanaryResult(name, f"AWS refused it ({e.code})")
        return CanaryResult(name, None)

    def _positive(self, account: Account, access: Access) -> CanaryResult:
        name = f"{access.value}: a good token"
        for wait in (*self.waits, None):
            try:
                self._exchange(account, access, lambda claims: claims)
            except UpstreamRejected as e:
                if wait is None or e.code != UpstreamRejected.code:
                    return CanaryResult(name, f"AWS refused it ({e.code})")
                self.sleep(wait.total_seconds())
            else:
                break
        return CanaryResult(name, None)

    def _negatives(self, account: Account, access: Access, other: Access) -> Iterator[CanaryResult]:
        spoilt = negative_canaries(
            other_role_arn=self._role_arn(account, other),
            pinned=account.partition in self.policy.pinned_partitions,
        )
        for canary in spoilt:
            yield self._negative(account, access, canary, bearer=account)
        yield self._of_a_stranger(account, access)

    def _of_a_stranger(self, account: Account, access: Access) -> CanaryResult:
        """Another account's token, good as it is, but not here.

        Where there is no other account, or its key cannot sign, it is this account's key under
        the name of an issuer that nobody trusts.
        """
        canary = NegativeCanary("of another account", lambda claims: claims)
        neighbour = self.neighbour(account.account_id)
        if neighbour is not None:
            try:
                return self._negative(account, access, canary, bearer=neighbour)
            except DependencyUnavailable:
                _log.warning("neighbour_cannot_sign", account=neighbour.account_id)
        base = account.issuer.rpartition("/")[0]
        nobodys = replace(account, issuer=f"{base}/{self.entropy.issuer_id()}")
        return self._negative(account, access, canary, bearer=nobodys)

    def _negative(
        self, account: Account, access: Access, canary: NegativeCanary, *, bearer: Account
    ) -> CanaryResult:
        name = f"{access.value}: a token {canary.name}"
        try:
            self._exchange(account, access, canary.spoil, bearer=bearer)
        except UpstreamRejected as e:
            if e.code != UpstreamRejected.code:
                # AWS got no keys, so it has judged nothing.
                raise
            return CanaryResult(name, None)
        return CanaryResult(name, "AWS accepted it")

    def _exchange(
        self,
        account: Account,
        access: Access,
        spoil: Callable[[Claims], Claims],
        *,
        key: KeyReference | None = None,
        bearer: Account | None = None,
    ) -> None:
        """Exchange a token of `bearer` (the account itself if not said) for a role of `account`."""
        bearer = bearer or account
        session_id = self.entropy.session_id()
        arn = self._role_arn(account, access)
        subject = TokenSubject(
            issuer=bearer.issuer,
            subject=subject_of(bearer.account_id),
            role_arn=arn,
            engineer=CANARY_ENGINEER,
            ticket_id=CANARY_TICKET,
            session_id=session_id,
            jti=self.entropy.jti(),
        )
        claims = spoil(identity_claims(subject, now=self.clock()))
        token = self.minter.mint_with(key, claims) if key else self.minter.mint(bearer, claims)
        self.exchange.exchange(
            identity_token=token.compact,
            role_arn=arn,
            role_session_name=role_session_name(CANARY_ENGINEER, CANARY_TICKET, session_id),
            duration=SHORTEST,
            session_policy=deny_everything(),
        )

    def _role_arn(self, account: Account, access: Access) -> str:
        return role_arn(
            account.account_id, account.partition, access, name_prefix=self.policy.name_prefix
        )
