"""`/accounts/…/ledger`: what happened in an account, as a time line that anybody can check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from broker.domain.accounts import Account
from broker.domain.identifiers import AccountId, EngineerId, SessionId, TicketId
from broker.domain.ledger.entries import LedgerEntry
from broker.domain.ledger.sentences import spoken
from broker.services.calls import Call
from broker.services.ledger.timeline import EntryFilter
from broker.services.reading import Window
from broker.web.pages.fields import ListQuery
from broker.web.pages.notices import Notice
from broker.web.pages.site import GoTo, Page, Section
from broker.wiring import Services

section = Section("ledger")
_PART = 50


class _LedgerQuery(ListQuery):
    session: SessionId | None = None
    ticket: TicketId | None = None
    engineer: EngineerId | None = None


@section.page("/accounts/<account_id>/ledger", query=_LedgerQuery)
def ledger(services: Services, call: Call, account_id: AccountId, query: _LedgerQuery) -> Page:
    """The account's chain, newest first; or all of it that belongs to one session, in order."""
    account = services.reading.account(account_id, call).record
    if query.session is not None:
        story = services.ledger.timeline.of_session(account_id, query.session, call)
        told = {"account": account, "session": story.session, "lines": _lines(story.entries)}
        return Page("ledger_session.html", told)
    wanted = EntryFilter(ticket=query.ticket, engineer=query.engineer)
    window = Window(_PART, query.cursor)
    page = services.ledger.timeline.page(account_id, wanted, window, call)
    shown = {
        "account": account,
        "lines": _lines(page.items),
        "next": page.next,
        "filters": query.filters,
        "commands": _commands(account),
    }
    return Page("ledger.html", shown)


@section.action("/accounts/<account_id>/ledger/checkpoint")
def sign(services: Services, call: Call, account_id: AccountId) -> GoTo:
    """Sign the head of the account's chain now, with the account's own key."""
    services.ledger.signing(account_id, call)
    return GoTo(f"/accounts/{account_id}/ledger", Notice.SIGNED)


def _lines(entries: Iterable[LedgerEntry]) -> list[Mapping[str, object]]:
    return [
        {"entry": entry, "spoken": spoken(entry), "at": datetime.fromisoformat(entry.at)}
        for entry in entries
    ]


def _commands(account: Account) -> Mapping[str, str]:
    """What the customer runs to take the ledger along and to check it, with nothing left to fill
    in."""
    file = f"ledger-{account.account_id}.jsonl"
    return {
        "export": f"broker ledger export --account {account.account_id} --sign --out {file}",
        "verify": f"broker ledger verify {file} --jwks {account.issuer}/jwks.json",
    }
