"""The claims of an identity token: what AWS is told of a session, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.identifiers import EngineerId, SessionId, TicketId

AUDIENCE = "sts.amazonaws.com"
TAGS_CLAIM = "https://aws.amazon.com/tags"
SOURCE_IDENTITY_CLAIM = "https://aws.amazon.com/source_identity"
ROLES_CLAIM = "https://aws.amazon.com/roles"

LIFETIME = timedelta(minutes=5)
"""How long a token can be exchanged; STS adds 300 s of tolerance. It does not cap the session."""

BACKDATED = timedelta(seconds=60)
"""How far `iat` and `nbf` are set back, for clocks that run behind ours."""

TICKET_TAG, SESSION_TAG, ENGINEER_TAG = "Ticket", "Session", "Engineer"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSubject:
    """Whom and what a token is for: one issuer, one role, one session."""

    issuer: str
    subject: str
    role_arn: str
    engineer: EngineerId
    ticket_id: TicketId
    session_id: SessionId
    jti: str


def identity_claims(of: TokenSubject, *, now: datetime) -> dict[str, object]:
    """The claims for AssumeRoleWithWebIdentity, with times as whole seconds (RFC 7519, section 2).

    No `azp`: it would displace `aud`. Session tags as the IAM guide names them, all transitive,
    so they survive role chaining; the token is pinned to one role by the roles claim.
    """
    issued = int((now - BACKDATED).timestamp())
    # A serialiser takes several times as long over identifiers, which are subclasses of str.
    engineer = str(of.engineer)
    tags = {
        TICKET_TAG: [str(of.ticket_id)],
        SESSION_TAG: [str(of.session_id)],
        ENGINEER_TAG: [engineer],
    }
    return {
        "iss": of.issuer,
        "sub": of.subject,
        "aud": AUDIENCE,
        "iat": issued,
        "nbf": issued,
        "exp": int((now + LIFETIME).timestamp()),
        "jti": of.jti,
        SOURCE_IDENTITY_CLAIM: engineer,
        TAGS_CLAIM: {"principal_tags": tags, "transitive_tag_keys": list(tags)},
        ROLES_CLAIM: [of.role_arn],
    }
