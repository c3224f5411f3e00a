"""`/v1/grants`: asking for access where the customer approves each, and deciding about it."""

from __future__ import annotations

from broker.contract.grants import (
    ApprovalLinkAnswer,
    ApprovalLinkBody,
    DecisionBody,
    GrantAnswer,
    GrantBody,
    GrantListQuery,
    GrantPage,
)
from broker.domain.grant_decisions import Verdict
from broker.domain.identifiers import GrantId
from broker.services.access.grants import GrantFilter
from broker.services.calls import Call
from broker.services.reading import Window
from broker.web.endpoints import Api
from broker.web.idempotency import Repeats
from broker.web.on_behalf_of import engineer_of
from broker.wiring import Services

api = Api("grants")


@api.endpoint("POST", "/v1/grants", body=GrantBody, answer=GrantAnswer, status=201)
def request_grant(services: Services, call: Call, body: GrantBody) -> GrantAnswer:
    """Ask for a grant; while a request for the same waits, asking again gives that one."""
    request = body.request(engineer=engineer_of(call, body.on_behalf_of))
    return GrantAnswer.of(services.granting.request(request, call), now=services.clock())


@api.endpoint("GET", "/v1/grants", query=GrantListQuery, answer=GrantPage)
def list_grants(services: Services, call: Call, query: GrantListQuery) -> GrantPage:
    """List the grants that the caller may see, newest first."""
    window = Window(query.limit, query.cursor)
    page = services.granting.grants.page(window, _wanted(query), call)
    now = services.clock()
    return GrantPage(items=[GrantAnswer.of(each, now=now) for each in page.items], next=page.next)


@api.endpoint("GET", "/v1/grants/<grant_id>", answer=GrantAnswer)
def show_grant(services: Services, call: Call, grant_id: GrantId) -> GrantAnswer:
    """Show one grant."""
    return GrantAnswer.of(services.granting.grants.one(grant_id, call), now=services.clock())


@api.endpoint("POST", "/v1/grants/<grant_id>/approval", body=DecisionBody, answer=GrantAnswer)
def approve_grant(
    services: Services, call: Call, grant_id: GrantId, body: DecisionBody
) -> GrantAnswer:
    """Approve a request of somebody else; the grant lasts from now."""
    return _decided(services, call, grant_id, body, Verdict.APPROVED)


@api.endpoint("POST", "/v1/grants/<grant_id>/denial", body=DecisionBody, answer=GrantAnswer)
def deny_grant(
    services: Services, call: Call, grant_id: GrantId, body: DecisionBody
) -> GrantAnswer:
    """Deny a request of somebody else."""
    return _decided(services, call, grant_id, body, Verdict.DENIED)


@api.endpoint("POST", "/v1/grants/<grant_id>/revocation", body=DecisionBody, answer=GrantAnswer)
def revoke_grant(
    services: Services, call: Call, grant_id: GrantId, body: DecisionBody
) -> GrantAnswer:
    """End a grant and the sessions under it, or withdraw a request."""
    grant = services.granting.decide.revoke(grant_id, call, reason=body.reason)
    return GrantAnswer.of(grant, now=services.clock())


@api.endpoint(
    "POST",
    "/v1/grants/<grant_id>/approval-link",
    body=ApprovalLinkBody,
    answer=ApprovalLinkAnswer,
    status=201,
    repeats=Repeats.REFUSED,
)
def make_approval_link(
    services: Services, call: Call, grant_id: GrantId, body: ApprovalLinkBody
) -> ApprovalLinkAnswer:
    """Make a link through which one person decides, once, within fifteen minutes."""
    return ApprovalLinkAnswer.of(services.granting.links.make(grant_id, body.approver, call))


def _wanted(query: GrantListQuery) -> GrantFilter:
    return GrantFilter(
        account_id=query.account_id,
        ticket_id=query.ticket,
        engineer=query.engineer,
        state=query.state,
    )


def _decided(
    services: Services, call: Call, grant_id: GrantId, body: DecisionBody, verdict: Verdict
) -> GrantAnswer:
    grant = services.granting.decide.decide(grant_id, verdict, call, reason=body.reason)
    return GrantAnswer.of(grant, now=services.clock())
