"""Pages as values: what a view takes and gives, checked and rendered in one place.

A page is to people what an endpoint of the API is to programs: it parses nothing, asks services
and says what to show. Reading is GET; whatever changes something is POST, from a form of ours, and
leads on to a page that can be loaded again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, render_template, request
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from werkzeug.datastructures import MultiDict

from broker.errors import BrokerError, InvalidRequest, NotFound, Unauthenticated
from broker.services.calls import Call
from broker.web.auth import CSRF_FIELD
from broker.web.endpoints import field_problems, path_parameters
from broker.web.pages import problem_page
from broker.web.pages.notices import NOTICE, Notice
from broker.web.pages.once import FIELD, Counts, counted_once
from broker.web.pages.policy import content_policy
from broker.web.pages.viewer import Viewer
from broker.wiring import Services

View = Callable[..., "Page | GoTo"]


class Query(BaseModel):
    """The query of a page: strings, and what it does not know is let be."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Form(BaseModel):
    """What a form of ours sends, beside the token that shows that it is ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoForm(Form):
    """A button without any field."""


@dataclass(frozen=True, slots=True)
class Page:
    """A template with what it shows."""

    template: str
    shown: Mapping[str, object] = field(default_factory=dict)
    form_targets: tuple[str, ...] = ()
    """Other origins to which a form of this page may lead; the policy lets it go nowhere else."""
    afterwards: GoTo | None = None
    """Where to go on instead, if this answers a form that counts once and is sent again."""


@dataclass(frozen=True, slots=True)
class GoTo:
    """Where to go on (303), and what to tell there; AWS's addresses of that kind are secrets."""

    address: str = field(repr=False)
    notice: Notice | None = None

    @property
    def location(self) -> str:
        """The value of the header."""
        if self.notice is None:
            return self.address
        separator = "&" if "?" in self.address else "?"
        return f"{self.address}{separator}{urlencode({NOTICE: self.notice.value})}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One method at one path of the site."""

    method: str
    path: str
    view: View
    query: type[Query]
    form: type[Form] | None
    counts: Counts


class Section:
    """A collection of pages; each module of `broker.web.pages` that shows some fills one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.addresses: list[Address] = []

    def page(self, path: str, *, query: type[Query] = Query) -> Callable[[View], View]:
        """Make the decorated view the page at `path`; it gets `query` if it names one."""
        return self._add("GET", path, query=query)

    def action(
        self, path: str, *, form: type[Form] = NoForm, counts: Counts = Counts.EACH_TIME
    ) -> Callable[[View], View]:
        """Make the decorated view what a form at `path` does; it gets `form` if it names one.

        A form that counts once has the macro `once` in its template.
        """
        return self._add("POST", path, form=form, counts=counts)

    def _add(
        self,
        method: str,
        path: str,
        *,
        query: type[Query] = Query,
        form: type[Form] | None = None,
        counts: Counts = Counts.EACH_TIME,
    ) -> Callable[[View], View]:
        def register(view: View) -> View:
            self.addresses.append(
                Address(method=method, path=path, view=view, query=query, form=form, counts=counts)
            )
            return view

        return register


def mount(
    site: Blueprint, section: Section, *, services: Services, authenticate: Callable[[], Call]
) -> None:
    """Add every address of `section` to `site`; a view's first two arguments are services, call."""
    for address in section.addresses:
        site.add_url_rule(
            address.path,
            endpoint=f"{section.name}_{address.view.__name__}",
            methods=[address.method],
            view_func=_handler(address, services=services, authenticate=authenticate),
        )


def _handler(
    address: Address, *, services: Services, authenticate: Callable[[], Call]
) -> Callable[..., Response]:
    identifiers = path_parameters(address.path, address.view)

    def handle(**path: str) -> Response:
        if address.method == "GET" and _is_ahead_of_time():
            return Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            call = authenticate()
        except Unauthenticated:
            if address.method == "GET":
                return to_sign_in()
            raise
        try:
            arguments = _arguments(address, identifiers, path)
            given = _given(address, services, call, arguments)
        except BrokerError as e:
            return problem_page.told(e, viewer=Viewer.of(call))
        return rendered(given, Viewer.of(call))

    return handle


def _is_ahead_of_time() -> bool:
    """Whether a browser asks in case somebody might want to look.

    Some pages ask AWS, and the ledger says who looked: that must be somebody who did.
    """
    return "prefetch" in request.headers.get("Sec-Purpose", "")


def _given(
    address: Address, services: Services, call: Call, arguments: Mapping[str, object]
) -> Page | GoTo:
    def view() -> Page | GoTo:
        return address.view(services, call, **arguments)

    if address.counts is Counts.EACH_TIME:
        return view()
    given = counted_once(view, call=call, kept=services.idempotency, afterwards=_afterwards)
    return GoTo(given) if isinstance(given, str) else given


def _afterwards(given: Page | GoTo) -> str | None:
    """Where a form that counts once leads whoever sends it again.

    None where nothing has come of it, so that it may be sent again: a page that says what is
    lacking, or a way on without a word of something done.
    """
    if isinstance(given, GoTo):
        return given.location if given.notice is not None else None
    return None if given.afterwards is None else given.afterwards.location


def to_sign_in() -> Response:
    """To the organisation's provider, and back to where somebody wanted to go."""
    try:
        back = request.full_path.removesuffix("?")
    except UnicodeDecodeError:
        # What no page of ours has in its address is not worth coming back to.
        back = request.path
    back = quote(back, safe="")
    return Response(status=303, headers={"Location": f"/sign-in?return_to={back}"})


def rendered(given: Page | GoTo, viewer: Viewer | None) -> Response:
    """The answer; what surrounds the page is the layout's."""
    if isinstance(given, GoTo):
        return Response(status=303, headers={"Location": given.location})
    html = render_template(
        given.template,
        viewer=viewer,
        notice=_notice(),
        **given.shown,
    )
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = content_policy(*given.form_targets)
    return response


def _notice() -> Notice | None:
    """What was just done, where an action of ours has led here.

    A link from elsewhere, which the browser knows, tells nobody that something was done.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return None
    try:
        return Notice.told_in(request.args.get(NOTICE))
    except UnicodeDecodeError:
        return None


def _arguments(
    address: Address, identifiers: Mapping[str, TypeAdapter[Any]], path: Mapping[str, str]
) -> dict[str, object]:
    arguments: dict[str, object] = {}
    for name, value in path.items():
        try:
            arguments[name] = identifiers[name].validate_python(value)
        except ValidationError as e:
            raise NotFound("There is nothing at this address.") from e
    if address.query is not Query:
        arguments["query"] = _parsed(address.query, _query(), leave_out_empty=True)
    if address.form not in (None, NoForm):
        arguments["form"] = _parsed(address.form, request.form, leave_out_empty=False)
    return arguments


def _query() -> MultiDict[str, str]:
    try:
        return request.args
    except UnicodeDecodeError as e:
        raise InvalidRequest("The address is not UTF-8. Follow a link of ours.") from e


def _parsed(model: type[BaseModel], given: MultiDict[str, str], *, leave_out_empty: bool) -> object:
    """The values of a query or a form, of each field the first.

    Whoever filters by nothing sends the empty string; a form's empty field means what it says.
    """
    values = {
        name: value
        for name, value in given.items()
        if name not in (CSRF_FIELD, FIELD) and not (leave_out_empty and value == "")
    }
    try:
        return model.model_validate(values)
    except ValidationError as e:
        raise InvalidRequest(
            "What was filled in does not fit. Go back, and correct it.", problems=field_problems(e)
        ) from None
