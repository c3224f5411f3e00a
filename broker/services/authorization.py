"""The gate before every use case but opening a session, whose decision has more to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action, may_ever, permits
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, Outcome
from broker.domain.ports import Journal
from broker.errors import AccessDenied, NotFound
from broker.services.ambient import Clock
from broker.services.calls import Call


def uncounted(_: Call) -> None:
    """Refusals without a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Lets through what the table of permissions allows and records what it refuses.

    `count_refusal` raises RateLimited for a caller who is refused all the time: else anybody with
    a credential could lengthen the broker's chain without end.
    """

    journal: Journal
    clock: Clock
    count_refusal: Callable[[Call], None] = uncounted

    def require(
        self,
        call: Call,
        action: Action,
        *,
        account_id: AccountId | None = None,
        engineer: str | None = None,
    ) -> None:
        """Raise AccessDenied (`forbidden`) unless the caller may do `action` to this.

        Raises RateLimited instead where the caller was refused too often.
        """
        if not permits(call.caller, action, account_id=account_id, engineer=engineer):
            self._refuse(call, action, account_id)

    def require_role(self, call: Call, action: Action) -> None:
        """Like `require`, unless one of the caller's roles may do `action` to anything."""
        if not may_ever(call.caller, action):
            self._refuse(call, action, None)

    def record_hidden(self, call: Call, action: Action, *, ids: Mapping[str, str]) -> None:
        """Record that the caller asked to do `action` to what they may not know of.

        They are told that there is no such thing. Raises RateLimited like `require`.
        """
        self._record(call, action, reason=NotFound.code, ids=ids)

    def _refuse(self, call: Call, action: Action, account_id: AccountId | None) -> None:
        ids = {"account": str(account_id)} if account_id else {}
        self._record(call, action, reason=AccessDenied.code, ids=ids)
        raise AccessDenied(
            f"Your roles do not allow {action.value} here. `GET /v1/me` shows what they allow."
        )

    def _record(self, call: Call, action: Action, *, reason: str, ids: Mapping[str, str]) -> None:
        # Refusals stand in the broker's own chain: a caller who may not touch an account must
        # not be able to lengthen that account's chain either.
        self.count_refusal(call)
        self.journal.record(
            BROKER_CHAIN,
            call.event(
                LedgerAction.ACCESS_REFUSED,
                Outcome.REFUSED,
                reason=reason,
                ids=ids,
                details={"asked_for": action.value},
            ),
            now=self.clock(),
        )
