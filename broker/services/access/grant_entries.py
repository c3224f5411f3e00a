"""What the ledger is told of a grant: asked for, decided on, refused, or taken in an emergency."""

from __future__ import annotations

from collections.abc import Mapping

from broker.domain.access import Reason
from broker.domain.approval_links import ApprovalLink
from broker.domain.grant_decisions import GrantRequest
from broker.domain.grants import Grant
from broker.domain.ledger.entries import Detail, Event, LedgerAction, Outcome
from broker.services.calls import Call


def requested(call: Call, grant: Grant) -> Event:
    """Somebody has to decide about it."""
    return call.event(
        LedgerAction.GRANT_REQUESTED,
        Outcome.DONE,
        reason=grant.reason,
        ids=_ids(grant),
        details=_about(grant),
    )


def request_refused(call: Call, request: GrantRequest, *, reason: Reason) -> Event:
    """It was not even taken down."""
    return call.event(
        LedgerAction.GRANT_REQUESTED,
        Outcome.REFUSED,
        reason=reason.value,
        ids={"account": request.account_id, "ticket": request.ticket_id},
        details={
            "engineer": request.engineer,
            "access": request.access.value,
            "urgency": request.urgency.value,
        },
    )


def glass_broken(call: Call, grant: Grant) -> Event:
    """Somebody gave themselves a grant that they would have had to wait for."""
    return call.event(
        LedgerAction.GLASS_BROKEN,
        Outcome.DONE,
        reason=grant.reason,
        ids=_ids(grant),
        details=_about(grant),
    )


def decided(call: Call, grant: Grant) -> Event:
    """Approved or denied: by a person, for a reason of theirs, or by standing consent."""
    return call.event(
        LedgerAction.GRANT_DECIDED,
        Outcome.DONE,
        reason=grant.reason if grant.decision_reason is None else grant.decision_reason,
        ids=_ids(grant),
        details={
            **_about(grant),
            "verdict": grant.decided.value,
            "approver": grant.approver or call.caller.subject,
        },
    )


def decision_refused(call: Call, grant: Grant, *, verdict: str, reason: Reason) -> Event:
    """Somebody who may decide about grants may not decide this."""
    return call.event(
        LedgerAction.GRANT_DECIDED,
        Outcome.REFUSED,
        reason=reason.value,
        ids=_ids(grant),
        details={"engineer": grant.engineer, "verdict": verdict},
    )


def link_made(call: Call, grant: Grant, *, approver: str) -> Event:
    """A link was made for one person's decision."""
    return call.event(
        LedgerAction.APPROVAL_LINK_MADE,
        Outcome.DONE,
        ids=_ids(grant),
        details={"engineer": grant.engineer, "approver": approver},
    )


def link_not_followed(call: Call, link: ApprovalLink, *, reason: str) -> Event:
    """Somebody else followed it than the one whom it is for, or not as that person."""
    return call.event(
        LedgerAction.GRANT_DECIDED,
        Outcome.REFUSED,
        reason=reason,
        ids={"grant": link.grant_id},
        details={"approver": link.approver},
    )


def link_refused(call: Call, grant: Grant, *, approver: str, reason: str) -> Event:
    """No link was made."""
    return call.event(
        LedgerAction.APPROVAL_LINK_MADE,
        Outcome.REFUSED,
        reason=reason,
        ids=_ids(grant),
        details={"engineer": grant.engineer, "approver": approver},
    )


def _ids(grant: Grant) -> dict[str, str]:
    return {"ticket": grant.ticket_id, "grant": grant.grant_id}


def _about(grant: Grant) -> Mapping[str, Detail]:
    return {
        "engineer": grant.engineer,
        "access": grant.access.value,
        "urgency": grant.urgency.value,
        "seconds": int(grant.duration.total_seconds()),
    }
