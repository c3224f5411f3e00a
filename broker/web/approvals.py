"""`/approvals/…`: the page behind an approval link, for one decision of one signed-in person.

Looking at it, or a chat tool's looking ahead, uses up nothing; the decision is a write.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from flask import Blueprint, Response, render_template, request
from pydantic import TypeAdapter, ValidationError

from broker.contract.base import LongText
from broker.domain.approval_links import PATH
from broker.domain.grant_decisions import Verdict
from broker.domain.times import rfc3339
from broker.errors import BrokerError, FieldProblem, InvalidRequest, Unauthenticated
from broker.services.access.approval_links import ApprovalLinks
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.web import pages

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # No other site learns the address. `no-referrer` would also have browsers send the form with
    # `Origin: null`, which is no page of ours.
    "Referrer-Policy": "same-origin",
}
_REASON: TypeAdapter[str] = TypeAdapter(LongText)


def blueprint(links: ApprovalLinks, authenticate: Callable[[], Call], clock: Clock) -> Blueprint:
    """The page and its form; both are for the person whom the link names."""
    approvals = Blueprint("approvals", __name__, template_folder="templates")
    approvals.register_error_handler(BrokerError, pages.told)
    approvals.after_request(_protected)

    @approvals.get(f"{PATH}/<secret>")
    def look(secret: str) -> Response | str:
        """Show the request; send whoever is not signed in to do that first."""
        try:
            call = authenticate()
        except Unauthenticated:
            return _to_sign_in(secret)
        grant = links.look(secret, call)
        return render_template(
            "approval.html",
            grant=grant,
            state=grant.state_at(clock()).value,
            asked_at=_shown(grant.created_at),
            lapses_at=_shown(grant.expires_at),
            subject=call.caller.subject,
            csrf_token=call.csrf_token,
        )

    @approvals.post(f"{PATH}/<secret>")
    def decide(secret: str) -> str:
        """Decide through the link."""
        call = authenticate()
        verdict, reason = _decision()
        grant = links.use(secret, verdict, call, reason=reason)
        return render_template(
            "decision.html",
            grant=grant,
            state=grant.decided.value,
            ends_at=_shown(grant.expires_at),
        )

    return approvals


def _decision() -> tuple[Verdict, str]:
    try:
        verdict = Verdict(request.form.get("verdict", ""))
        return verdict, _REASON.validate_python(request.form.get("reason", ""))
    except ValidationError as e:
        raise InvalidRequest(
            "The reason must be one line of at most 500 characters.",
            problems=[FieldProblem("reason", "must be one line of at most 500 characters")],
        ) from e
    except ValueError as e:
        raise InvalidRequest(
            "Choose one of the two buttons.",
            problems=[FieldProblem("verdict", "must be approved or denied")],
        ) from e


def _to_sign_in(secret: str) -> Response:
    back = quote(f"{PATH}/{secret}", safe="")
    return Response(status=303, headers={"Location": f"/sign-in?return_to={back}"})


def _shown(moment: datetime) -> str:
    return rfc3339(moment.replace(microsecond=0))


def _protected(response: Response) -> Response:
    response.headers.extend(_HEADERS)
    return response
