"""Exporting a ledger: who takes it along is written into it first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, Outcome, chain_of
from broker.domain.ports import Journal
from broker.errors import DependencyUnavailable, FieldProblem, InvalidRequest, NotFound
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.ledger.lines import BrokenOff, LedgerLines, Stretch

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """Which part of which chain: None for the broker's own, and for up to its present end."""

    account_id: AccountId | None
    after: int = 0
    through: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerExport:
    """Gives out a chain as JSON Lines, up to the entry that says so."""

    journal: Journal
    lines: LedgerLines
    gate: Gate
    clock: Clock

    def __call__(self, request: ExportRequest, call: Call) -> Iterator[bytes]:
        """The lines, many in one piece; the ledger has its entry when this returns.

        Raises AccessDenied, NotFound (also `archived`), InvalidRequest. Reading on may raise,
        and then the last line that came is not the end.
        """
        self.gate.require(call, Action.READ_LEDGER, account_id=request.account_id)
        chain = BROKER_CHAIN if request.account_id is None else chain_of(request.account_id)
        head = self.journal.head(chain)
        if head.seq == 0:
            raise NotFound("There is no ledger of this account.")
        if request.after >= (request.through or head.seq + 1):
            raise InvalidRequest(
                "There are no such entries.",
                problems=[FieldProblem("after", "must be less than the last entry's number")],
            )
        event = call.event(
            LedgerAction.LEDGER_EXPORTED,
            Outcome.DONE,
            details={"after": request.after, "through": min(request.through or head.seq, head.seq)},
        )
        (exported,) = self.journal.record(chain, event, now=self.clock())
        stretch = Stretch(
            account_id=request.account_id,
            after=request.after,
            through=min(request.through or exported.seq, exported.seq),
        )
        return _told(self.lines(stretch), chain)


def _told(pieces: Iterator[bytes], chain: str) -> Iterator[bytes]:
    """The same, with a line in the log where they break off."""
    try:
        yield from pieces
    except (BrokenOff, DependencyUnavailable):
        _log.error("export_broke_off", chain=chain)
        raise
