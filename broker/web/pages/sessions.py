"""`/sessions`: open one, see its credentials once, watch it, and end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from broker.contract.console import Region, SessionCredentialsBody
from broker.domain import credential_forms
from broker.domain.access import Reason
from broker.domain.grants import GrantState
from broker.domain.identifiers import AccountId, SessionId
from broker.domain.sessions import Credentials, Session
from broker.errors import AccessDenied
from broker.services.calls import Call
from broker.services.reading import Window
from broker.services.trail.activity import ActivityWindow
from broker.web.on_behalf_of import engineer_of
from broker.web.pages.fields import EMPTY_IS_NONE, ConsoleForm, ListQuery, SessionForm
from broker.web.pages.notices import Notice
from broker.web.pages.once import Counts
from broker.web.pages.site import GoTo, Page, Query, Section
from broker.wiring import Services

section = Section("sessions")
_PART = 25

_SHELLS = {
    "env": "bash, zsh, sh",
    "powershell": "PowerShell",
    "fish": "fish",
    "ini": "A file of credentials",
}
"""The forms of credentials that are offered, and what people call them."""


class _ListQuery(ListQuery):
    account: AccountId | None = None


class _ActivityQuery(Query):
    region: Annotated[Region | None, EMPTY_IS_NONE] = None
    cursor: Annotated[str, Field(max_length=8000)] | None = None
    """CloudTrail's own, one for each Region."""


class _ConsoleForm(SessionCredentialsBody, ConsoleForm):
    """The credentials of a session, as the page that showed them sends them back."""


@section.page("/sessions", query=_ListQuery)
def sessions(services: Services, call: Call, query: _ListQuery) -> Page:
    """The sessions that the viewer may see, newest first."""
    window = Window(_PART, query.cursor)
    page = services.reading.session_page(window, call, account_id=query.account)
    shown = {
        "items": page.items,
        "next": page.next,
        "filters": query.filters,
        "now": services.clock(),
    }
    return Page("sessions.html", shown)


@section.action("/sessions", form=SessionForm, counts=Counts.ONCE)
def open_session(services: Services, call: Call, form: SessionForm) -> Page | GoTo:
    """Open a session and show its credentials, this once; or ask for what is lacking."""
    request = form.request(engineer=engineer_of(call, None))

    def opened() -> Page:
        given = services.open_session(request, call)
        return _opened(services, given.session, given.credentials)

    return _unless_a_grant_is_needed(opened, form)


@section.action("/console", form=SessionForm)
def open_console(services: Services, call: Call, form: SessionForm) -> Page | GoTo:
    """Open a session of which nobody sees credentials: the browser goes to the console with it."""
    request = form.request(engineer=engineer_of(call, None))

    def opened() -> GoTo:
        return GoTo(services.console.opened(request, form.console_page(), call).url.url)

    return _unless_a_grant_is_needed(opened, form)


@section.action("/sessions/<session_id>/console", form=_ConsoleForm)
def console(services: Services, call: Call, session_id: SessionId, form: _ConsoleForm) -> GoTo:
    """Go to the AWS console as a session that is open already."""
    made = services.console.of_session(session_id, form.keys(), form.console_page(), call)
    return GoTo(made.url)


@section.page("/sessions/<session_id>")
def session(services: Services, call: Call, session_id: SessionId) -> Page:
    """A session without its credentials: how long it lasts, and how far its end has come."""
    found = services.reading.session(session_id, call)
    return Page("session.html", {"session": found, "now": services.clock()})


@section.action("/sessions/<session_id>/revocation")
def revoke(services: Services, call: Call, session_id: SessionId) -> GoTo:
    """End the session at once."""
    services.revoking.session(session_id, call)
    return GoTo(f"/sessions/{session_id}", Notice.SESSION_REVOKED)


@section.page("/sessions/<session_id>/activity", query=_ActivityQuery)
def activity(services: Services, call: Call, session_id: SessionId, query: _ActivityQuery) -> Page:
    """What the session did, as the customer's own CloudTrail tells it."""
    found = services.reading.session(session_id, call)
    regions = () if query.region is None else (query.region,)
    window = ActivityWindow(regions=regions, cursor=query.cursor)
    shown = {
        "session": found,
        "activity": services.activity(session_id, window, call),
        "region": query.region or "",
    }
    return Page("activity.html", shown)


def _opened(services: Services, session: Session, credentials: Credentials) -> Page:
    forms = [
        (name, label, credential_forms.IN_SHELLS[name](credentials))
        for name, label in _SHELLS.items()
    ]
    shown = {
        "session": session,
        "credentials": credentials,
        "forms": forms,
        "now": services.clock(),
    }
    return Page(
        "session_opened.html",
        shown,
        form_targets=services.console.origins,
        afterwards=GoTo(f"/sessions/{session.session_id}", Notice.SHOWN_ALREADY),
    )


def _unless_a_grant_is_needed(opened: Callable[[], Page | GoTo], form: SessionForm) -> Page | GoTo:
    """Where `opened` leads; else to the request that waits already, or the form that makes one."""
    try:
        return opened()
    except AccessDenied as e:
        if e.code != Reason.GRANT_REQUIRED:
            raise
        if e.extra.get("state") == GrantState.REQUESTED.value:
            return GoTo(f"/requests/{e.extra['grant_id']}")
        return Page("grant_needed.html", {"asked": form})
