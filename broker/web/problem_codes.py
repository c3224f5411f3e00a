"""The codes by which a caller tells problems apart, for the description of the API.

What a code means stands beside it; of which operation it can come follows from what the operation
takes and does. The sentence of an answer says more, and may change; the code does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from broker.contract.base import NoQuery
from broker.domain.access import Reason
from broker.domain.console import NoConsole
from broker.domain.refusals import SENTENCES, refusal
from broker.web.endpoints import Access, Api, Endpoint
from broker.web.idempotency import Repeats


@dataclass(frozen=True, slots=True)
class Code:
    """One code; `members` are what the problem document says beside it, as an example."""

    code: str
    status: int
    meaning: str
    members: Mapping[str, object] = field(default_factory=dict)


_GRANT = "gr-0123456789abcdef0123"

_MEMBERS_OF_REASONS: Mapping[Reason, Mapping[str, object]] = {
    Reason.GRANT_REQUIRED: {"grant_id": _GRANT, "state": "requested"},
    Reason.ALREADY_DECIDED: {"grant_id": _GRANT, "state": "denied"},
}

INVALID = Code(
    "invalid_request",
    400,
    "The request does not validate. `errors` names each member and its rule.",
    {"errors": [{"field": "ticket", "message": "must be 1 to 64 of letters, digits and _.-"}]},
)
UNAUTHENTICATED = Code(
    "unauthenticated",
    401,
    "Nobody knows who is calling: no credential, or one that is not taken. `reason` says which of "
    "an ID token's rules is broken.",
    {"reason": "expired"},
)
FORBIDDEN = Code(
    "forbidden",
    403,
    "Your roles do not allow this. `reason` says more where it is about who you are.",
)
NOT_FOUND = Code("not_found", 404, "There is no such thing, or you may not know of it.")
STALE = Code("stale_version", 409, "It was changed by others meanwhile. Read it again.")
KEY_REUSED = Code(
    "idempotency_key_reused", 409, "This Idempotency-Key was used for another request."
)
IN_PROGRESS = Code(
    "request_in_progress", 409, "The first request of this kind is still being answered."
)
ANSWERED = Code(
    "already_answered",
    409,
    "The answer held a secret, and was given once. Ask anew, with a new key.",
)
LIMITED = Code(
    "rate_limited",
    429,
    "Too many: `limit` names what is counted, and `retry_after` the seconds until there is room.",
    {"retry_after": 12, "limit": "requests_per_caller"},
)
STORE = Code("store_unavailable", 503, "The store does not answer. Try again in a moment.")
LEDGER = Code(
    "ledger_unavailable", 503, "What is done cannot be written down, so it is not done. Try again."
)
BUSY = Code(
    "too_busy",
    503,
    "Too many are waiting for AWS at once. Nothing has happened: ask again.",
    {"retry_after": 1},
)
AWS = Code("aws_unavailable", 503, "AWS, or the key provider, does not answer. Try again shortly.")
REFUSED_BY_AWS = Code(
    "refused_by_aws", 502, "AWS refused. The account's diagnosis says what does not fit."
)
UNREACHABLE = Code(
    "issuer_unreachable_from_aws", 502, "AWS could not fetch the issuer's documents over HTTPS."
)
NOT_ACTIVE = Code(
    "account_not_active", 409, "The account has no key that signs, or is being removed."
)
RUNNING = Code(
    "reconciliation_running", 409, "The account is being worked on. Look again in some seconds."
)
REVOCATION_PENDING = Code(
    "revocation_pending",
    503,
    "It is written down, and AWS has not taken it yet. It is tried again.",
)
ROTATION_PENDING = Code(
    "rotation_pending", 503, "It is written down, and goes on by itself once AWS answers."
)
REGISTERED = Code("already_registered", 409, "The account is registered already.")
FROM_SOURCE = Code(
    "tickets_come_from_source", 409, "Tickets come from the ticket system. Change the ticket there."
)
ARCHIVED = Code("archived", 404, "These entries are no longer kept here: they are in an archive.")
NO_SIGN_IN = Code("sign_in_not_configured", 409, "Nobody can sign in here.")
NO_TERMINAL_SIGN_IN = Code(
    "sign_in_not_configured", 404, "Nobody signs in here from a terminal. Use an API token."
)
CONSOLE_UNKNOWN = Code(
    "console_unknown", 409, "How to sign in to this partition's console is not known."
)


def _of(*reasons: Reason) -> tuple[Code, ...]:
    return tuple(
        Code(
            reason.value,
            refusal(reason).status,
            SENTENCES[reason],
            _MEMBERS_OF_REASONS.get(reason, {}),
        )
        for reason in reasons
    )


_OBSTACLES = _of(
    Reason.FORBIDDEN,
    Reason.ACCOUNT_NOT_FOUND,
    Reason.ACCOUNT_NOT_ACTIVE,
    Reason.CONSENT_OFF,
    Reason.TICKET_NOT_FOUND,
    Reason.TICKET_CLOSED,
    Reason.TICKET_NOT_FOR_ACCOUNT,
    Reason.NOT_ASSIGNED,
    Reason.TICKET_UNKNOWN,
)
_EXCHANGE = (BUSY, REFUSED_BY_AWS, UNREACHABLE, AWS)
_OPENING = (
    *_OBSTACLES,
    *_of(Reason.GRANT_REQUIRED, Reason.GRANT_EXPIRED, Reason.DURATION_TOO_LONG),
    STALE,
    *_EXCHANGE,
)
_DECIDING = (*_OBSTACLES, *_of(Reason.OWN_REQUEST, Reason.ALREADY_DECIDED), STALE)

_NO_CONSOLE = (
    Code(NoConsole.REVOKED, 403, "The session was revoked."),
    Code(NoConsole.EXPIRED, 403, "The session has ended."),
    Code(NoConsole.OTHER_KEYS, 403, "These are not the credentials of this session."),
)

OWN: Mapping[str, tuple[Code, ...]] = {
    "register_account": (REGISTERED, AWS),
    "change_account": (STALE, REVOCATION_PENDING),
    "reconcile_account": (RUNNING, REFUSED_BY_AWS, UNREACHABLE, AWS),
    "revoke_account": (REVOCATION_PENDING,),
    "rotate_keys": (NOT_ACTIVE, STALE, RUNNING, ROTATION_PENDING),
    "plan_account": (REFUSED_BY_AWS, AWS),
    "prove_account": (REFUSED_BY_AWS, AWS),
    "write_ticket": (FROM_SOURCE, STALE),
    "request_grant": (
        *_OBSTACLES,
        *_of(Reason.DURATION_TOO_LONG, Reason.REASON_TOO_SHORT),
        IN_PROGRESS,
    ),
    "approve_grant": _DECIDING,
    "deny_grant": _DECIDING,
    "revoke_grant": (*_of(Reason.ALREADY_DECIDED), STALE, REVOCATION_PENDING),
    "make_approval_link": (*_of(Reason.OWN_REQUEST, Reason.ALREADY_DECIDED), NO_SIGN_IN),
    "open_session": _OPENING,
    "make_console_url": (*_NO_CONSOLE, BUSY, CONSOLE_UNKNOWN, REFUSED_BY_AWS, AWS),
    "open_console": (*_OPENING, CONSOLE_UNKNOWN),
    "revoke_session": (REVOCATION_PENDING,),
    "export_ledger": (ARCHIVED,),
    "sign_ledger": (NOT_ACTIVE, AWS),
    "show_activity": _EXCHANGE,
    "reconcile_ledger": _EXCHANGE,
    "show_sign_in": (NO_TERMINAL_SIGN_IN,),
}
"""What an operation may answer for a reason of its own, beside what follows from its form."""


def codes_of(api: Api, endpoint: Endpoint) -> tuple[Code, ...]:
    """Every code worth telling apart of an operation, by status, each once."""
    found = {(each.status, each.code): each for each in _all_of(api, endpoint)}
    return tuple(found[key] for key in sorted(found))


def _all_of(api: Api, endpoint: Endpoint) -> Iterator[Code]:
    if endpoint.body or endpoint.path_parameters or endpoint.query is not NoQuery:
        yield INVALID
    if api.access is Access.CALLERS:
        yield from (UNAUTHENTICATED, FORBIDDEN, LIMITED, STORE)
    if endpoint.path_parameters:
        yield NOT_FOUND
    if endpoint.method != "GET":
        yield from (KEY_REUSED, IN_PROGRESS, LEDGER)
    if endpoint.repeats is Repeats.REFUSED:
        yield ANSWERED
    # Last, since what an operation says of a code is nearer to it than what all say.
    yield from OWN.get(endpoint.name, ())


def example_of(code: Code) -> Mapping[str, object]:
    """A problem document with this code."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(code.status).phrase,
        "status": code.status,
        "code": code.code,
        "detail": code.meaning,
        "request_id": "0123456789abcdef01234567",
        **code.members,
    }
