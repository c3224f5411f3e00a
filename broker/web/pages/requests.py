"""`/requests`: asking for access, and deciding on it."""

from __future__ import annotations

from broker.contract.base import LongText
from broker.domain.grant_decisions import GrantRequest, Verdict, is_own
from broker.domain.grants import GrantState, Urgency
from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId
from broker.domain.identity.permissions import Action, permits
from broker.services.access.grants import GrantFilter
from broker.services.calls import Call
from broker.services.reading import Window
from broker.web.on_behalf_of import engineer_of
from broker.web.pages.fields import AccessForm, ListQuery
from broker.web.pages.notices import Notice
from broker.web.pages.site import Form, GoTo, Page, Section
from broker.wiring import Services

section = Section("requests")
_PART = 25


class _ListQuery(ListQuery):
    state: GrantState | None = None
    account: AccountId | None = None
    ticket: TicketId | None = None
    engineer: EngineerId | None = None

    def wanted(self, state: GrantState | None) -> GrantFilter:
        """The filter, with a state of its own."""
        return GrantFilter(
            account_id=self.account, ticket_id=self.ticket, engineer=self.engineer, state=state
        )


class _RequestForm(AccessForm):
    """A grant to ask for, in one's own name."""

    break_glass: bool = False

    def request(self, *, engineer: EngineerId) -> GrantRequest:
        """What is asked for, for `engineer`."""
        return GrantRequest(
            account_id=self.account_id,
            ticket_id=self.ticket,
            engineer=engineer,
            access=self.access,
            reason=self.reason,
            duration=self.duration,
            urgency=Urgency.BREAK_GLASS if self.break_glass else Urgency.ROUTINE,
        )


class _ReasonForm(Form):
    """Why it is decided so; both sides read it."""

    reason: LongText = ""


@section.page("/requests", query=_ListQuery)
def requests(services: Services, call: Call, query: _ListQuery) -> Page:
    """Requests and grants, newest first; before anything else those that wait."""
    grants = services.granting.grants
    page = grants.page(Window(_PART, query.cursor), query.wanted(query.state), call)
    items, waiting, more_wait = page.items, None, None
    if query.state is None and query.cursor is None:
        first = grants.page(Window(_PART, None), query.wanted(GrantState.REQUESTED), call)
        waiting, more_wait = first.items, first.next
    now = services.clock()
    if query.state is None:
        items = tuple(each for each in items if each.state_at(now) is not GrantState.REQUESTED)
    shown = {
        "waiting": waiting,
        "more_wait": more_wait,
        "items": items,
        "void": services.reading.without_effect(items),
        "next": page.next,
        "filters": query.filters,
        "states": list(GrantState),
        "now": now,
    }
    return Page("requests.html", shown)


@section.action("/requests", form=_RequestForm)
def ask(services: Services, call: Call, form: _RequestForm) -> GoTo:
    """Ask for access, or take it in an emergency."""
    engineer = engineer_of(call, None)
    grant = services.granting.request(form.request(engineer=engineer), call)
    waits = grant.decided is GrantState.REQUESTED
    return _to(grant.grant_id, Notice.REQUESTED if waits else Notice.APPROVED)


@section.page("/requests/<grant_id>")
def request(services: Services, call: Call, grant_id: GrantId) -> Page:
    """One request: who, why and for how long, what became of it, and the sessions under it."""
    grant = services.granting.grants.one(grant_id, call)
    now = services.clock()
    state = grant.state_at(now)
    waits = state is GrantState.REQUESTED
    decides = permits(call.caller, Action.DECIDE_GRANT, account_id=grant.account_id)
    is_mine = is_own(grant, call.caller.subject)
    shown = {
        "grant": grant,
        "state": state.value,
        "is_void": bool(services.reading.without_effect([grant])),
        "is_off": waits and services.reading.lets_nobody_in(grant.account_id),
        "is_mine": is_mine,
        "decides": waits and decides and not is_mine,
        "ends": waits or state is GrantState.APPROVED,
        "sessions": services.reading.sessions_under(grant, call),
        "now": now,
    }
    return Page("request.html", shown)


@section.action("/requests/<grant_id>/approval", form=_ReasonForm)
def approve(services: Services, call: Call, grant_id: GrantId, form: _ReasonForm) -> GoTo:
    """Approve somebody else's request."""
    services.granting.decide.decide(grant_id, Verdict.APPROVED, call, reason=form.reason)
    return _to(grant_id, Notice.APPROVED)


@section.action("/requests/<grant_id>/denial", form=_ReasonForm)
def deny(services: Services, call: Call, grant_id: GrantId, form: _ReasonForm) -> GoTo:
    """Deny somebody else's request."""
    services.granting.decide.decide(grant_id, Verdict.DENIED, call, reason=form.reason)
    return _to(grant_id, Notice.DENIED)


@section.action("/requests/<grant_id>/revocation", form=_ReasonForm)
def revoke(services: Services, call: Call, grant_id: GrantId, form: _ReasonForm) -> GoTo:
    """End a grant with the sessions under it, or withdraw a request."""
    services.granting.decide.revoke(grant_id, call, reason=form.reason)
    return _to(grant_id, Notice.GRANT_REVOKED)


def _to(grant_id: GrantId, notice: Notice) -> GoTo:
    return GoTo(f"/requests/{grant_id}", notice)
