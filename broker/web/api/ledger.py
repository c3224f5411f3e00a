"""`/v1/ledger`: reading the hash chains, signing their heads, taking them along."""

from __future__ import annotations

from broker.contract.base import AccountListQuery
from broker.contract.ledger import (
    CheckpointAnswer,
    CheckpointBody,
    ExportQuery,
    LedgerEntryAnswer,
    LedgerPage,
)
from broker.domain.ledger.lines import MEDIA_TYPE
from broker.services.calls import Call
from broker.services.ledger.export import ExportRequest
from broker.services.reading import Window
from broker.web.endpoints import Api, Stream
from broker.wiring import Services

api = Api("ledger")


@api.endpoint("GET", "/v1/ledger", query=AccountListQuery, answer=LedgerPage)
def list_entries(services: Services, call: Call, query: AccountListQuery) -> LedgerPage:
    """Read an account's chain in order, or the broker's own where no account is named."""
    window = Window(query.limit, query.cursor)
    page = services.reading.ledger_page(window, call, account_id=query.account_id)
    return LedgerPage(items=[LedgerEntryAnswer.of(entry) for entry in page.items], next=page.next)


@api.endpoint("GET", "/v1/ledger/export", query=ExportQuery, answer=None, media_type=MEDIA_TYPE)
def export_ledger(services: Services, call: Call, query: ExportQuery) -> Stream:
    """Take a chain along as JSON Lines: entries, the keys that signed, checkpoints, and an end.

    A file without the end broke off. `broker ledger verify` checks it with nothing of ours.
    """
    request = ExportRequest(account_id=query.account_id, after=query.after, through=query.through)
    name = f"ledger-{query.account_id or 'broker'}.jsonl"
    return Stream(
        services.ledger.export(request, call),
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@api.endpoint(
    "POST", "/v1/ledger/checkpoint", body=CheckpointBody, answer=CheckpointAnswer, status=201
)
def sign_ledger(services: Services, call: Call, body: CheckpointBody) -> CheckpointAnswer:
    """Sign the head of an account's chain now, with the account's own key."""
    return CheckpointAnswer.of(services.ledger.signing(body.account_id, call))
