"""`/v1/ledger`: reading the hash chains."""

from __future__ import annotations

from broker.services.calls import Call
from broker.services.reading import Window
from broker.web.endpoints import Api
from broker.web.schemas.base import AccountListQuery
from broker.web.schemas.ledger import LedgerEntryAnswer, LedgerPage
from broker.wiring import Services

api = Api("ledger")


@api.endpoint("GET", "/v1/ledger", query=AccountListQuery, answer=LedgerPage)
def list_entries(services: Services, call: Call, query: AccountListQuery) -> LedgerPage:
    """Read an account's chain in order, or the broker's own where no account is named."""
    window = Window(query.limit, query.cursor)
    page = services.reading.ledger_page(window, call, account_id=query.account_id)
    return LedgerPage(items=[LedgerEntryAnswer.of(entry) for entry in page.items], next=page.next)
