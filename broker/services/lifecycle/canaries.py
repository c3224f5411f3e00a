"""Proving an account: AWS accepts a good token and refuses every spoilt one (promise 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from broker.domain.sessions import SHORTEST
from broker.domain.trail.own_sessions import OwnSession
from broker.errors import DependencyUnavailable, UpstreamRejected
from broker.services.ambient import Clock, Entropy
from broker.services.issuer.minting import Minter
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
    """What became of one canary; `problem` is None where AWS did as it must.

    `access_key_id` is of the credentials that AWS gave for it, and None where it gave none.
    """

    name: str
    problem: str | None
    access_key_id: str | None = None


def access_keys(results: Iterable[CanaryResult]) -> tuple[str, ...]:
    """The access keys that AWS gave out for these canaries."""
    return tuple(result.access_key_id for result in results if result.access_key_id)


@dataclass(frozen=True, slots=True)
class _Target:
    """The role that is tried, and as what."""

    account: Account
    access: Access
    own: OwnSession


def _unspoilt(claims: Claims) -> Claims:
    return claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Canaries:
    """Runs the canaries of an account, each run as one session of the broker's own.

    Whoever runs them tells the ledger of that session before and after.
    """

    minter: Minter
    exchange: WebIdentityExchange
    policy: RolePolicy
    clock: Clock
    entropy: Entropy
    sleep: Callable[[float], None]
    waits: Sequence[timedelta] = FRESH_ROLE_WAITS
    neighbour: Callable[[AccountId], Account | None] = nobody
    """Another account whose token must be refused here; None where there is none yet."""

    def new_session(self) -> OwnSession:
        """What a run of canaries is in the customer's trail."""
        return OwnSession(
            engineer=CANARY_ENGINEER,
            ticket_id=CANARY_TICKET,
            session_id=self.entropy.session_id(),
        )

    def prove(self, account: Account, own: OwnSession) -> Iterator[CanaryResult]:
        """The results of both roles' canaries. Raises like `of_role`."""
        for access in Access:
            yield from self.of_role(account, access, own)

    def of_role(self, account: Account, access: Access, own: OwnSession) -> Iterator[CanaryResult]:
        """A role's positive canary, and only where that passed, its negative ones.

        Raises DependencyUnavailable where AWS cannot be asked, and UpstreamRejected where it
        cannot fetch our keys any more: a check that could not run is never a pass.
        """
        target = _Target(account, access, own)
        positive = self._positive(target)
        yield positive
        if positive.problem is None:
            yield from self._negatives(target)

    def prove_key(self, account: Account, key: KeyReference, own: OwnSession) -> CanaryResult:
        """Whether AWS accepts a good token that this key of the account has signed, tried once.

        The account's roles have to stand. Raises DependencyUnavailable where AWS, or the key,
        cannot be asked.
        """
        name = f"{Access.READ.value}: a good token of the key {key.kid}"
        try:
            given = self._exchange(_Target(account, Access.READ, own), _unspoilt, key=key)
        except UpstreamRejected as e:
            return CanaryResult(name, f"AWS refused it ({e.code})")
        return CanaryResult(name, None, given)

    def _positive(self, target: _Target) -> CanaryResult:
        name = f"{target.access.value}: a good token"
        for wait in (*self.waits, None):
            try:
                return CanaryResult(name, None, self._exchange(target, _unspoilt))
            except UpstreamRejected as e:
                if wait is None or e.code != UpstreamRejected.code:
                    return CanaryResult(name, f"AWS refused it ({e.code})")
                self.sleep(wait.total_seconds())
        raise AssertionError("the last try returns")

    def _negatives(self, target: _Target) -> Iterator[CanaryResult]:
        other = Access.CASE if target.access is Access.READ else Access.READ
        spoilt = negative_canaries(
            other_role_arn=self._role_arn(target.account, other),
            pinned=target.account.partition in self.policy.pinned_partitions,
        )
        for canary in spoilt:
            yield self._negative(target, canary, bearer=target.account)
        yield self._of_a_stranger(target)

    def _of_a_stranger(self, target: _Target) -> CanaryResult:
        """Another account's token, good as it is, but not here.

        Where there is no other account, or its key cannot sign, it is this account's key under
        the name of an issuer that nobody trusts.
        """
        canary = NegativeCanary("of another account", _unspoilt)
        account = target.account
        neighbour = self.neighbour(account.account_id)
        if neighbour is not None:
            try:
                return self._negative(target, canary, bearer=neighbour)
            except DependencyUnavailable:
                _log.warning("neighbour_cannot_sign", account=neighbour.account_id)
        base = account.issuer.rpartition("/")[0]
        nobodys = replace(account, issuer=f"{base}/{self.entropy.issuer_id()}")
        return self._negative(target, canary, bearer=nobodys)

    def _negative(
        self, target: _Target, canary: NegativeCanary, *, bearer: Account
    ) -> CanaryResult:
        name = f"{target.access.value}: a token {canary.name}"
        try:
            given = self._exchange(target, canary.spoil, bearer=bearer)
        except UpstreamRejected as e:
            if e.code != UpstreamRejected.code:
                # AWS got no keys, so it has judged nothing.
                raise
            return CanaryResult(name, None)
        return CanaryResult(name, "AWS accepted it", given)

    def _exchange(
        self,
        target: _Target,
        spoil: Callable[[Claims], Claims],
        *,
        key: KeyReference | None = None,
        bearer: Account | None = None,
    ) -> str:
        """Exchange a token of `bearer` (the account itself if not said); the access key's id."""
        bearer = bearer or target.account
        arn = self._role_arn(target.account, target.access)
        subject = TokenSubject(
            issuer=bearer.issuer,
            subject=subject_of(bearer.account_id),
            role_arn=arn,
            engineer=target.own.engineer,
            ticket_id=target.own.ticket_id,
            session_id=target.own.session_id,
            jti=self.entropy.jti(),
        )
        claims = spoil(identity_claims(subject, now=self.clock()))
        token = self.minter.mint_with(key, claims) if key else self.minter.mint(bearer, claims)
        given = self.exchange.exchange(
            identity_token=token.compact,
            role_arn=arn,
            role_session_name=target.own.role_session_name,
            duration=SHORTEST,
            session_policy=deny_everything(),
        )
        return given.access_key_id

    def _role_arn(self, account: Account, access: Access) -> str:
        return role_arn(
            account.account_id, account.partition, access, name_prefix=self.policy.name_prefix
        )
