"""What becomes of a refusal: which error tells the caller, in which words, and where it is kept."""

from __future__ import annotations

from collections.abc import Mapping

from broker.domain.access import Reason
from broker.domain.accounts import Account
from broker.domain.ledger.entries import BROKER_CHAIN, Chain, chain_of
from broker.errors import AccessDenied, BrokerError, Conflict, DependencyUnavailable, NotFound

SENTENCES: dict[Reason, str] = {
    Reason.FORBIDDEN: (
        "You may not ask for this. Engineers ask for themselves, a console asks for them with "
        "on_behalf_of, breaking the glass takes the role break_glass, and who is bound to "
        "accounts asks for nothing elsewhere."
    ),
    Reason.ACCOUNT_NOT_FOUND: "No such account is registered. Check the account id.",
    Reason.ACCOUNT_NOT_ACTIVE: (
        "The account is not ready for sessions. `GET /v1/accounts/{id}` says why in last_error."
    ),
    Reason.CONSENT_OFF: "The customer has switched support access off for this account.",
    Reason.TICKET_UNKNOWN: (
        "The ticket system gives no answer that could be relied on, so nobody knows whether the "
        "ticket is open. Try again in a moment."
    ),
    Reason.TICKET_NOT_FOUND: "No such ticket is known. Check its id, or let the console send it.",
    Reason.TICKET_CLOSED: "The ticket is closed. Reopen it to work on it again.",
    Reason.TICKET_NOT_FOR_ACCOUNT: "The ticket does not concern this account.",
    Reason.NOT_ASSIGNED: "The ticket is assigned to others. Ask to be assigned to it.",
    Reason.GRANT_REQUIRED: (
        "The customer approves each access to this account. Request a grant: "
        "`broker requests create`, or `POST /v1/grants`."
    ),
    Reason.GRANT_EXPIRED: "The grant has ended. Request a new one.",
    Reason.DURATION_TOO_LONG: (
        "It would last longer than is allowed, or than the grant. Ask for a shorter duration."
    ),
    Reason.REASON_TOO_SHORT: (
        "Breaking the glass takes a reason that says more: customer and admins read it now."
    ),
    Reason.OWN_REQUEST: (
        "Nobody decides on what they asked for themselves, or others for them. Ask somebody else."
    ),
    Reason.ALREADY_DECIDED: "The request waits no longer: it was decided on, withdrawn, or lapsed.",
}

_OTHERS: dict[Reason, type[BrokerError]] = {
    Reason.ACCOUNT_NOT_FOUND: NotFound,
    Reason.ALREADY_DECIDED: Conflict,
    Reason.TICKET_UNKNOWN: DependencyUnavailable,
}
"""What is said with another status than that the caller may not."""


def refusal(
    reason: Reason, *, extra: Mapping[str, str | int] | None = None, way_out: str | None = None
) -> BrokerError:
    """The error that tells the caller; `extra` are more members of the answer, and `way_out` is a
    sentence on what to do instead, where that depends on more than the reason."""
    error = _OTHERS.get(reason, AccessDenied)
    sentence = SENTENCES[reason] if way_out is None else f"{SENTENCES[reason]} {way_out}"
    return error(sentence, code=reason.value, extra=extra)


def chain_of_refusal(account: Account | None, reason: Reason) -> Chain:
    """The account's chain, unless it has none or the caller may not touch it."""
    if account is None or reason is Reason.FORBIDDEN:
        return BROKER_CHAIN
    return chain_of(account.account_id)
