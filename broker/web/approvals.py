"""`/approvals/…`: the page behind an approval link, for one decision of one signed-in person.

Looking at it, or a chat tool's looking ahead, uses up nothing; the decision is a write.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, render_template, request
from pydantic import TypeAdapter, ValidationError

from broker.contract.base import LongText
from broker.domain.approval_links import PATH
from broker.domain.grant_decisions import Verdict
from broker.errors import BrokerError, FieldProblem, InvalidRequest, Unauthenticated
from broker.services.access.approval_links import ApprovalLinks
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.web.pages import problem_page
from broker.web.pages.policy import protect
from broker.web.pages.site import to_sign_in
from broker.web.pages.viewer import Viewer

_REASON: TypeAdapter[str] = TypeAdapter(LongText)


def blueprint(links: ApprovalLinks, authenticate: Callable[[], Call], clock: Clock) -> Blueprint:
    """The page and its form; both are for the person whom the link names."""
    approvals = Blueprint("approvals", __name__)
    approvals.register_error_handler(BrokerError, problem_page.told)
    approvals.after_request(protect)

    @approvals.get(f"{PATH}/<secret>")
    def look(secret: str) -> Response | str:
        """Show the request; send whoever is not signed in to do that first."""
        try:
            call = authenticate()
        except Unauthenticated:
            return to_sign_in()
        grant = links.look(secret, call)
        return render_template(
            "approval.html",
            grant=grant,
            state=grant.state_at(clock()).value,
            viewer=Viewer.of(call),
            notice=None,
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
            viewer=Viewer.of(call),
            notice=None,
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
