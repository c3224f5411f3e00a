"""What the customer's trail tells: of a session, and of what the ledger does not know."""

from __future__ import annotations

from broker.contract.trail import (
    ActivityPage,
    ActivityQuery,
    ReconciliationAnswer,
    ReconciliationBody,
)
from broker.domain.identifiers import AccountId, SessionId
from broker.services.calls import Call
from broker.services.trail.activity import ActivityWindow
from broker.services.trail.reconciliation import Span
from broker.web.endpoints import Api
from broker.wiring import Services

api = Api("trails")


@api.endpoint("GET", "/v1/sessions/<session_id>/activity", query=ActivityQuery, answer=ActivityPage)
def show_activity(
    services: Services, call: Call, session_id: SessionId, query: ActivityQuery
) -> ActivityPage:
    """List what a session did, from CloudTrail; what was not certainly a read is marked."""
    window = ActivityWindow(regions=query.regions, limit=query.limit, cursor=query.cursor)
    return ActivityPage.of(services.activity(session_id, window, call))


@api.endpoint(
    "POST",
    "/v1/accounts/<account_id>/ledger-reconciliation",
    body=ReconciliationBody,
    answer=ReconciliationAnswer,
)
def reconcile_ledger(
    services: Services, call: Call, account_id: AccountId, body: ReconciliationBody
) -> ReconciliationAnswer:
    """Compare CloudTrail's sessions of the support roles with the ledger, both ways."""
    span = Span(since=body.since, until=body.until, regions=tuple(body.regions))
    return ReconciliationAnswer.of(services.reconcile_ledger(account_id, span, call))
