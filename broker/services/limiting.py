"""Rate limits: whoever asks for too much is refused, and the ledger hears of it once in a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from broker.domain.identifiers import AccountId, EngineerId
from broker.domain.identity.permissions import Action, Caller, permits
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, Outcome
from broker.domain.limits import Counted, Full, Limit, Window
from broker.domain.ports import Journal, WindowRepository
from broker.errors import DependencyUnavailable, RateLimited
from broker.services.ambient import Clock
from broker.services.calls import Call

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What the operator allows a caller. Sessions and requests for grants are counted apart."""

    per_engineer: Limit
    per_account: Limit
    per_caller: Limit
    overall: Limit
    requests_per_caller: Limit
    refusals_per_caller: Limit
    break_glass_per_engineer: Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """Something that is counted in four ways at once, and the actions that may ask for it."""

    actions: Sequence[Action]
    of_engineer: Counted
    in_account: Counted
    of_caller: Counted
    overall: Counted


_SESSIONS = _Subject(
    actions=(Action.OPEN_SESSION,),
    of_engineer=Counted.SESSIONS_OF_ENGINEER,
    in_account=Counted.SESSIONS_IN_ACCOUNT,
    of_caller=Counted.SESSIONS_OF_CALLER,
    overall=Counted.SESSIONS_OVERALL,
)
_GRANTS = _Subject(
    actions=(Action.REQUEST_GRANT, Action.BREAK_GLASS),
    of_engineer=Counted.GRANTS_OF_ENGINEER,
    in_account=Counted.GRANTS_IN_ACCOUNT,
    of_caller=Counted.GRANTS_OF_CALLER,
    overall=Counted.GRANTS_OVERALL,
)

_IN_WORDS = {
    Counted.SESSIONS_OF_ENGINEER: "sessions for one engineer",
    Counted.SESSIONS_IN_ACCOUNT: "sessions in one account",
    Counted.SESSIONS_OF_CALLER: "sessions asked for by one caller",
    Counted.SESSIONS_OVERALL: "sessions in all",
    Counted.GRANTS_OF_ENGINEER: "grants asked for one engineer",
    Counted.GRANTS_IN_ACCOUNT: "grants asked for in one account",
    Counted.GRANTS_OF_CALLER: "grants asked for by one caller",
    Counted.GRANTS_OVERALL: "grants asked for in all",
    Counted.BREAK_GLASS_OF_ENGINEER: "emergencies of one engineer",
    Counted.REQUESTS_OF_CALLER: "requests of one caller",
    Counted.REFUSALS_OF_CALLER: "requests that one caller may not make",
    Counted.FAILED_SIGN_INS_FROM_ADDRESS: "failed sign-ins from one address",
    Counted.FAILED_SIGN_INS_OVERALL: "failed sign-ins in all",
    Counted.SIGN_INS_BEGUN_FROM_ADDRESS: "sign-ins begun from one address",
    Counted.USES_OF_ENDED_CREDENTIAL: "uses of a credential that has ended",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limiter:
    """Takes places in sliding windows; a refusal takes none."""

    journal: Journal
    windows: WindowRepository
    limits: RateLimits
    clock: Clock

    def require_session(self, *, account_id: AccountId, engineer: EngineerId, call: Call) -> None:
        """Count one session. Raises RateLimited where one of its limits is reached."""
        self._require_each_way(_SESSIONS, account_id, engineer, call)

    def require_grant(self, *, account_id: AccountId, engineer: EngineerId, call: Call) -> None:
        """Count one request for a grant. Raises RateLimited where one of its limits is reached."""
        self._require_each_way(_GRANTS, account_id, engineer, call)

    def require_break_glass(
        self, *, account_id: AccountId, engineer: EngineerId, call: Call
    ) -> None:
        """Count one breaking of the glass. Raises RateLimited where there were enough."""
        limit = self.limits.break_glass_per_engineer
        window = Window(Counted.BREAK_GLASS_OF_ENGINEER, engineer, limit)
        self._require([window], call, {"account": account_id, "engineer": engineer})

    def require_request(self, call: Call) -> None:
        """Count one request of any kind. Raises RateLimited where the caller sends too many.

        Where it cannot be counted it goes on: whatever has an effect needs the ledger and fails
        there, and who only reads should be able to while the store takes no writes.
        """
        limit = self.limits.requests_per_caller
        window = Window(Counted.REQUESTS_OF_CALLER, _name_of(call.caller), limit)
        try:
            full = self.windows.take(window)
        except DependencyUnavailable:
            _log.warning("request_not_counted")
            return
        if full is not None:
            raise self._refused(full, call, {})

    def require_refusal(self, call: Call) -> None:
        """Count one refusal that is written down. Raises RateLimited where there were enough."""
        limit = self.limits.refusals_per_caller
        self._require([Window(Counted.REFUSALS_OF_CALLER, _name_of(call.caller), limit)], call, {})

    def _require_each_way(
        self, subject: _Subject, account_id: AccountId, engineer: EngineerId, call: Call
    ) -> None:
        windows = [Window(subject.of_caller, _name_of(call.caller), self.limits.per_caller)]
        # Who may not have it anyway uses up nobody's places but their own: else a customer could
        # use up those of another customer's account.
        if any(
            permits(call.caller, action, account_id=account_id, engineer=engineer)
            for action in subject.actions
        ):
            windows += (
                Window(subject.of_engineer, engineer, self.limits.per_engineer),
                Window(subject.in_account, account_id, self.limits.per_account),
                Window(subject.overall, "all", self.limits.overall),
            )
        self._require(windows, call, {"account": account_id, "engineer": engineer})

    def _require(self, windows: Sequence[Window], call: Call, ids: Mapping[str, str]) -> None:
        full = self.windows.take(*windows)
        if full is not None:
            raise self._refused(full, call, ids)

    def _refused(self, full: Full, call: Call, ids: Mapping[str, str]) -> RateLimited:
        """Record the refusal if it is the first in a while, and return what tells the caller."""
        if full.first:
            self.journal.record(
                BROKER_CHAIN,
                call.event(
                    LedgerAction.ACCESS_REFUSED,
                    Outcome.REFUSED,
                    reason=RateLimited.code,
                    ids={**ids, "limit": full.window.counted.value},
                    details={"allowed": str(full.window.limit)},
                ),
                now=self.clock(),
            )
        return rate_limited(full)


def rate_limited(full: Full) -> RateLimited:
    """The error that tells which limit is reached, and when there is a place again."""
    limit, seconds = full.window.limit, full.retry_after
    return RateLimited(
        f"Too many {_IN_WORDS[full.window.counted]}: at most {limit.count} in "
        f"{limit.period.total_seconds():.0f} seconds. Try again in {seconds} s.",
        extra={"retry_after": seconds, "limit": full.window.counted.value},
    )


def _name_of(caller: Caller) -> str:
    """A caller by its API token: one subject may have several, each with a purpose of its own."""
    if caller.api_token_id is not None:
        return f"api_token:{caller.api_token_id}"
    return f"subject:{caller.subject}"
