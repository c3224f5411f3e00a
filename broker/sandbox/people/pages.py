"""The provider's pages: who are you, which device, and what came of it. Plain HTML and forms."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from authlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]
from flask import Blueprint, Response, make_response, render_template, request, send_file

from broker.sandbox.people.forms import Forms
from broker.sandbox.people.organisation import origin_of
from broker.sandbox.people.register import SignedIn
from broker.sandbox.people.server import Server

_OVER = "This form has been sent before, or is too old. Begin anew where you came from."
_NO_DEVICE = "No terminal is waiting with this code. Compare it, or begin anew there."


def blueprint(server: Server) -> Blueprint:
    """The two pages that people see, and their style."""
    shown = Blueprint("pages", __name__, template_folder="templates")
    shown.before_request(_only_from_here)
    shown.after_request(_protected)
    shown.context_processor(lambda: {"organisation": server.organisation.name})
    forms = Forms(server.clock)
    _sign_in(shown, server, forms)
    _device(shown, server, forms)

    @shown.get("/style.css")
    def style() -> Response:
        """Our own, so that the policy may be strict."""
        return send_file(f"{shown.root_path}/style.css", mimetype="text/css")

    return shown


def _sign_in(shown: Blueprint, server: Server, forms: Forms) -> None:
    """The authorization endpoint. A form goes to the very address at which it was shown."""

    @shown.get("/authorize")
    def ask() -> Response:
        """Who are you?"""
        try:
            grant = server.get_consent_grant()
        except OAuth2Error as e:
            return _refused(server, e)
        client = server.query_client(grant.request.payload.client_id)
        return _page(
            "people.html",
            may_lead_to=origin_of(grant.redirect_uri),
            title=f"Sign in to {client.name if client else 'nothing'}",
            people=server.organisation.people,
            number=forms.show(_query()),
        )

    @shown.post("/authorize")
    def answer() -> Response:
        """Send them back, as whom they chose or with a refusal."""
        if not _sent_whole() or not forms.take(request.form.get("number"), _query()):
            return _told("Not signed in", _OVER, status=HTTPStatus.BAD_REQUEST)
        signed_in = _chosen(server)
        try:
            grant = server.get_consent_grant(end_user=signed_in)
        except OAuth2Error as e:
            return _refused(server, e)
        back: Response = server.create_authorization_response(grant_user=signed_in, grant=grant)
        back.status_code = HTTPStatus.SEE_OTHER
        return back


def _device(shown: Blueprint, server: Server, forms: Forms) -> None:
    """RFC 8628, section 3.3. The code is shown again, to be compared with the terminal's."""

    @shown.get("/device")
    def which() -> Response:
        """Which device, and who are you?"""
        code = request.args.get("user_code", "")
        device = server.devices.undecided(code)
        if device is None:
            status = HTTPStatus.NOT_FOUND if code else HTTPStatus.OK
            return _page("code.html", fault=_NO_DEVICE if code else None, status=status)
        client = server.query_client(device.client_id)
        return _page(
            "people.html",
            title=f"Sign in to {client.name if client else 'nothing'}",
            code=device.user_code,
            people=server.organisation.people,
            number=forms.show(f"device {device.user_code}"),
        )

    @shown.post("/device")
    def decide() -> Response:
        """Let the device have what it waits for, or not."""
        code = request.form.get("code", "")
        if not _sent_whole() or not forms.take(request.form.get("number"), f"device {code}"):
            return _told("Not signed in", _OVER, status=HTTPStatus.BAD_REQUEST)
        signed_in = _chosen(server)
        if not server.devices.decide(code, signed_in):
            return _told("Not signed in", _NO_DEVICE, status=HTTPStatus.NOT_FOUND)
        if signed_in is None:
            return _told("Denied", "The terminal gets nothing. You can close this page.")
        name = signed_in.person.name
        return _told(f"Signed in as {name}", "Go back to your terminal; close this page.")


def _query() -> str:
    return request.query_string.decode("ascii", "replace")


def _sent_whole() -> bool:
    """Nothing but what our form holds, each once: a form must not add to what was asked for."""
    fields = {name: len(values) for name, values in request.form.lists()}
    return fields.keys() <= {"number", "code", "person", "deny"} and set(fields.values()) == {1}


def _chosen(server: Server) -> SignedIn | None:
    """Whoever was clicked on; nobody where it was to deny."""
    person = None if "deny" in request.form else server.organisation.person(request.form["person"])
    return None if person is None else SignedIn(person=person, at=server.clock.now())


def _refused(server: Server, error: OAuth2Error) -> Response:
    """Tell the client, where one can be told; the person otherwise."""
    if error.redirect_uri:
        back: Response = server.handle_error_response(None, error)
        server.names_itself.add_issuer_parameter(server, back)
        return back
    told = f"What sent you here asked wrongly: {error.description or error.error}"
    return _told("Not signed in", told, status=HTTPStatus.BAD_REQUEST)


def _told(title: str, told: str, *, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return _page("told.html", title=title, told=told, status=status)


def _page(
    template: str,
    *,
    may_lead_to: str = "",
    status: HTTPStatus = HTTPStatus.OK,
    **shown: Any,
) -> Response:
    response = make_response(render_template(f"sandbox/{template}", **shown), status)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        # Chromium holds redirects after a form to this as well.
        f"form-action 'self' {may_lead_to}".rstrip()
    )
    return response


def _only_from_here() -> Response | None:
    """A form of another site is none of ours, whatever it carries."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if request.method == "POST" and site != "same-origin":
        return _told("Not signed in", _OVER, status=HTTPStatus.FORBIDDEN)
    return None


def _protected(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
