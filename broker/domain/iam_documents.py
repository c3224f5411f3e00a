"""The IAM documents that the broker writes: trust policies, denials, session policies.

Everything here is a plain value built from plain values. `docs/aws-policies.md` explains each
statement to a customer's security team.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from broker.domain.accounts import Profile
from broker.domain.claims import AUDIENCE, SESSION_TAG, TICKET_TAG
from broker.domain.denied_actions import NOT_READS, SUPPORT_CASE_ACTIONS, promised_denials
from broker.domain.identifiers import ServiceName
from broker.domain.revocations import Revocations
from broker.domain.times import rfc3339

Document = Mapping[str, object]

VERSION = "2012-10-17"

SESSION_POLICY_LIMIT = 2048
"""Characters of a session policy (STS, AssumeRoleWithWebIdentity, Policy)."""

TRUST_POLICY_LIMIT = 2048
"""Characters of a trust policy without white space (IAM quota, not raised)."""


class SessionPolicyTooLargeError(ValueError):
    """The named services make a session policy that STS would refuse."""


def compact(document: Document) -> str:
    """A document as the text that is sent to AWS: no white space, stable order of keys."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True)


def condition_prefix(issuer: str) -> str:
    """What an issuer's condition keys begin with: its URL without the scheme."""
    return issuer.split("://", 1)[1]


def trust_policy(*, issuer: str, provider_arn: str, subject: str, pinned: bool) -> Document:
    """The trust policy of a support role (promise 2): AWS itself demands the ticket.

    By exact strings the audience and the subject; by presence, as at least one character, the
    source identity and the session tags for ticket and session; and, where `pinned`, that the
    token names this very role. The second statement stands apart because TagSession and
    SetSourceIdentity do not know the first one's keys.
    """
    prefix = condition_prefix(issuer)
    audience = {f"{prefix}:aud": AUDIENCE}
    condition: dict[str, object] = {
        "StringEquals": {**audience, f"{prefix}:sub": subject},
        "StringLike": {
            "sts:SourceIdentity": "?*",
            f"aws:RequestTag/{TICKET_TAG}": "?*",
            f"aws:RequestTag/{SESSION_TAG}": "?*",
        },
    }
    if pinned:
        condition["Bool"] = {"sts:RoleAuthorizedByIdp": "true"}
    principal = {"Federated": provider_arn}
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "OneIssuerOneSubjectOneTicket",
                "Effect": "Allow",
                "Principal": principal,
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": condition,
            },
            {
                "Sid": "NameTheTicketAndTheEngineer",
                "Effect": "Allow",
                "Principal": principal,
                "Action": ["sts:SetSourceIdentity", "sts:TagSession"],
                "Condition": {"StringEquals": audience},
            },
        ],
    }


def denied_reads(profile: Profile, *, partition: str) -> Document:
    """The explicit Deny of a read role: what its profile promises, and what is no reading at all.

    API Gateway has one action for every read, so its keys are denied by resource.
    """
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "NoSecretsNoCustomerData" if profile is Profile.METADATA else "NoSecrets",
                "Effect": "Deny",
                "Action": list(promised_denials(profile)),
                "Resource": "*",
            },
            {
                "Sid": "NothingButReading",
                "Effect": "Deny",
                "Action": list(NOT_READS),
                "Resource": "*",
            },
            {
                "Sid": "NoApiKeys",
                "Effect": "Deny",
                "Action": "apigateway:GET",
                "Resource": [
                    f"arn:{partition}:apigateway:*::/apikeys*",
                    f"arn:{partition}:apigateway:*::/usageplans/*/keys*",
                ],
            },
        ],
    }


def support_cases() -> Document:
    """The inline policy of the cases role: AWS support cases and nothing else."""
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "SupportCases",
                "Effect": "Allow",
                "Action": list(SUPPORT_CASE_ACTIONS),
                "Resource": "*",
            }
        ],
    }


def session_policy(services: Sequence[ServiceName]) -> str | None:
    """The text that narrows a session to the named services; None where none is named.

    A session policy only ever narrows: what results is its intersection with the role. Raises
    SessionPolicyTooLargeError past STS's 2,048 characters.
    """
    if not services:
        return None
    text = compact(
        {
            "Version": VERSION,
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": [f"{service}:*" for service in sorted(set(services))],
                    "Resource": "*",
                }
            ],
        }
    )
    if len(text) > SESSION_POLICY_LIMIT:
        raise SessionPolicyTooLargeError(
            f"{len(set(services))} services make a session policy of {len(text)} characters; "
            f"AWS takes {SESSION_POLICY_LIMIT}. Name fewer services, or none."
        )
    return text


def only_actions(actions: Sequence[str]) -> str:
    """The session policy of the broker's own sessions: exactly these actions, as far as the role
    allows them.

    Raises ValueError where none is named: a session without a policy could do all that its role
    may.
    """
    if not actions:
        raise ValueError("a session of the broker's own names what it is for")
    return compact(
        {
            "Version": VERSION,
            "Statement": [{"Effect": "Allow", "Action": sorted(set(actions)), "Resource": "*"}],
        }
    )


def deny_everything() -> str:
    """The session policy of a canary: the exchange is proved, the credentials can do nothing."""
    return compact(
        {
            "Version": VERSION,
            "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
        }
    )


def denial(revocations: Revocations, *, everything: bool) -> Document | None:
    """The inline policy for what is revoked; None where nothing is.

    `everything` denies all, whenever it was issued: the customer's consent is off.
    """
    statements: list[Document] = []
    if everything:
        statements.append(_deny("ConsentIsOff", {}))
    elif revocations.issued_before is not None:
        before = {"aws:TokenIssueTime": rfc3339(revocations.issued_before)}
        statements.append(_deny("IssuedBefore", {"DateLessThan": before}))
    if revocations.sessions and not everything:
        ids = sorted(session.session_id for session in revocations.sessions)
        tagged = {f"aws:PrincipalTag/{SESSION_TAG}": _one_or_more(ids)}
        statements.append(_deny("RevokedSessions", {"StringEquals": tagged}))
    return {"Version": VERSION, "Statement": statements} if statements else None


def _deny(sid: str, condition: Document) -> Document:
    statement: dict[str, object] = {"Sid": sid, "Effect": "Deny", "Action": "*", "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


def _one_or_more(ids: Sequence[str]) -> str | list[str]:
    return ids[0] if len(ids) == 1 else list(ids)
