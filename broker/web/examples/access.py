"""From the ticket to the end of a session."""

from __future__ import annotations

from broker.contract.console import (
    ConsoleSessionAnswer,
    ConsoleSessionBody,
    ConsoleUrlAnswer,
    ConsoleUrlBody,
    SessionCredentialsBody,
)
from broker.contract.grants import (
    ApprovalLinkAnswer,
    ApprovalLinkBody,
    DecisionBody,
    GrantAnswer,
    GrantBody,
    GrantPage,
)
from broker.contract.revocations import ManyRevokedAnswer, RevocationBody
from broker.contract.sessions import (
    CredentialsAnswer,
    OpenedSessionAnswer,
    RevocationAnswer,
    SessionAnswer,
    SessionBody,
    SessionPage,
)
from broker.contract.tickets import TicketAnswer, TicketBody, TicketPage
from broker.domain.grants import Access, GrantState, Urgency
from broker.domain.identifiers import ServiceName
from broker.domain.tickets import TicketStatus
from broker.web.examples import world

TICKET_TOLD = TicketBody(
    account_ids=[world.ACCOUNT],
    subject=world.REASON,
    status=TicketStatus.OPEN,
    assignees=[world.ENGINEER],
)
TICKET = TicketAnswer(
    id=world.TICKET,
    account_ids=[world.ACCOUNT],
    subject=world.REASON,
    status=TicketStatus.OPEN,
    assignees=[world.ENGINEER],
    updated_at=world.at(13, 50),
)
TICKETS = TicketPage(items=[TICKET], next=None)

GRANT_WANTED = GrantBody(
    account_id=world.ACCOUNT,
    ticket=world.TICKET,
    reason=world.REASON,
    access=Access.READ,
    duration_seconds=14_400,
)
REQUESTED = GrantAnswer(
    id=world.GRANT,
    account_id=world.ACCOUNT,
    ticket=world.TICKET,
    engineer=world.ENGINEER,
    access=Access.READ,
    reason=world.REASON,
    urgency=Urgency.ROUTINE,
    state=GrantState.REQUESTED,
    duration_seconds=14_400,
    requested_by=world.ENGINEER,
    approver=None,
    created_at=world.at(13, 55),
    decided_at=None,
    decision_reason=None,
    expires_at=world.at(21, 55),
)
APPROVED = REQUESTED.model_copy(
    update={
        "state": GrantState.APPROVED,
        "approver": world.APPROVER,
        "decided_at": world.at(14, 0),
        "decision_reason": "As agreed on the phone",
        "expires_at": world.at(18, 0),
    }
)
DENIED = APPROVED.model_copy(
    update={"state": GrantState.DENIED, "decision_reason": "Not during the release"}
)
ENDED = APPROVED.model_copy(update={"state": GrantState.REVOKED})
GRANTS = GrantPage(items=[APPROVED], next=None)
APPROVAL = DecisionBody(reason="As agreed on the phone")
DENIAL = DecisionBody(reason="Not during the release")
END = DecisionBody(reason="The cause is found")
LINK_WANTED = ApprovalLinkBody(approver=world.APPROVER)
LINK = ApprovalLinkAnswer(
    url="https://broker.example.com/approvals/EXAMPLE", expires_at=world.at(14, 10)
)

SESSION_WANTED = SessionBody(
    account_id=world.ACCOUNT,
    ticket=world.TICKET,
    reason=world.REASON,
    duration_seconds=3600,
    services=world.SERVICES,
)
SESSION = SessionAnswer(
    id=world.SESSION,
    account_id=world.ACCOUNT,
    ticket=world.TICKET,
    engineer=world.ENGINEER,
    access=Access.READ,
    grant_id=world.GRANT,
    role_arn=world.ROLE_ARN,
    role_session_name=world.ROLE_SESSION_NAME,
    access_key_id=world.ACCESS_KEY_ID,
    kid=world.KID,
    jti="7c1f1a8e5b0d4c8c9d0e",
    services=world.SERVICES,
    issued_at=world.at(14, 5),
    expires_at=world.at(15, 5),
    revoked_at=None,
    revocation=None,
)
REVOKED = SESSION.model_copy(
    update={
        "revoked_at": world.at(14, 20),
        "revocation": RevocationAnswer(state="applied", seconds=0.8),
    }
)
SESSIONS = SessionPage(items=[SESSION], next=None)
OPENED = OpenedSessionAnswer(
    session=SESSION,
    credentials=CredentialsAnswer(
        access_key_id=world.ACCESS_KEY_ID,
        secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",  # noqa: S106 - AWS's example
        session_token="AQoEXAMPLEH4aoAH0gNCAPyJxz4BlCFFxWNE1OPTgk5TthT",  # noqa: S106 - likewise
        expiration=world.at(15, 5),
    ),
)

SIGNING_IN = ConsoleUrlBody(
    credentials=SessionCredentialsBody(
        access_key_id=OPENED.credentials.access_key_id,
        secret_access_key=OPENED.credentials.secret_access_key,
        session_token=OPENED.credentials.session_token,
    ),
    destination=ServiceName("ec2"),
)
CONSOLE_URL = ConsoleUrlAnswer(
    url="https://signin.aws.amazon.com/federation?Action=login&SigninToken=EXAMPLE",
    expires_in=900,
)
CONSOLE_WANTED = ConsoleSessionBody(
    account_id=world.ACCOUNT,
    ticket=world.TICKET,
    reason=world.REASON,
    destination=ServiceName("rds"),
)
CONSOLE = ConsoleSessionAnswer(
    session=SESSION, url=CONSOLE_URL.url, expires_in=CONSOLE_URL.expires_in
)

MANY_ENDING = RevocationBody(engineer=world.ENGINEER, reason="Laptop lost")
MANY_ENDED = ManyRevokedAnswer(
    scope="engineer",
    sessions=[world.SESSION],
    accounts=[world.ACCOUNT],
    grants=1,
    state="applied",
    seconds=1.2,
)

EXAMPLES = (
    TICKET_TOLD,
    TICKET,
    TICKETS,
    GRANT_WANTED,
    APPROVED,
    GRANTS,
    APPROVAL,
    LINK_WANTED,
    LINK,
    SESSION_WANTED,
    SESSION,
    SESSIONS,
    OPENED,
    SIGNING_IN,
    CONSOLE_URL,
    CONSOLE_WANTED,
    CONSOLE,
    MANY_ENDING,
    MANY_ENDED,
)
