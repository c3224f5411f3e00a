"""The HTTP contract as models: they validate requests, shape answers and generate OpenAPI."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile
from broker.domain.api_tokens import ApiToken
from broker.domain.grants import Access
from broker.domain.iam_documents import session_policy
from broker.domain.identifiers import (
    AccountId,
    EngineerId,
    GrantId,
    ServiceName,
    SessionId,
    TicketId,
)
from broker.domain.ledger import LedgerEntry
from broker.domain.onboarding import Onboarding
from broker.domain.permissions import Action, Caller, Role, may_ever
from broker.domain.sessions import Credentials, Session
from broker.domain.tickets import Ticket, TicketStatus
from broker.domain.times import Timestamp

_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"

ShortText = Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTABLE)]
LongText = Annotated[str, Field(max_length=500, pattern=_PRINTABLE)]


class Body(BaseModel):
    """A request body: exact types, no unknown members."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(frozen=True)


class ListQuery(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=200)] | None = None


class AccountListQuery(ListQuery):
    """Which part of a list, of which account."""

    account_id: AccountId | None = None


class NoQuery(BaseModel):
    """No query parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountBody(Body):
    """An account to register."""

    account_id: AccountId
    customer: ShortText
    payer: bool = False
    profile: Profile = Profile.METADATA
    consent: Literal[Consent.STANDING, Consent.PER_GRANT] = Consent.STANDING


class AccountPatch(Body):
    """What is to change; the consent is the customer's to give, the rest the vendor's."""

    consent: Consent | None = None
    profile: Profile | None = None
    payer: bool | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.consent is None and self.profile is None and self.payer is None:
            raise ValueError("must name what is to change: consent, profile or payer")
        return self


class KeyAnswer(Answer):
    """One signing key of an account."""

    kid: str
    state: str
    algorithm: str
    created_at: Timestamp


class AccountAnswer(Answer):
    """An account; `launch_url` is what the customer clicks to create the stack."""

    account_id: AccountId
    partition: str
    customer: str
    payer: bool
    profile: Profile
    consent: Consent
    state: AccountState
    issuer: str
    external_id: str
    launch_url: str
    template_version: str | None
    last_error: str | None
    created_at: Timestamp
    keys: list[KeyAnswer]

    @classmethod
    def of(cls, account: Account, onboarding: Onboarding) -> AccountAnswer:
        """The answer for `account`."""
        return cls(
            account_id=account.account_id,
            partition=account.partition,
            customer=account.customer,
            payer=account.payer is Payer.YES,
            profile=account.profile,
            consent=account.consent,
            state=account.state,
            issuer=account.issuer,
            external_id=account.external_id,
            launch_url=onboarding.launch_url(account),
            template_version=account.template_version,
            last_error=account.last_error,
            created_at=account.created_at,
            keys=[
                KeyAnswer(
                    kid=key.kid,
                    state=key.state.value,
                    algorithm=key.reference.algorithm.value,
                    created_at=key.created_at,
                )
                for key in account.keys
            ],
        )


class TicketBody(Body):
    """A ticket as the console tells it; no assignees means any engineer."""

    account_ids: Annotated[list[AccountId], Field(max_length=100)]
    subject: LongText = ""
    status: TicketStatus
    assignees: Annotated[list[EngineerId], Field(max_length=100)] = []


class TicketAnswer(Answer):
    """A ticket."""

    id: TicketId
    account_ids: list[AccountId]
    subject: str
    status: TicketStatus
    assignees: list[EngineerId]
    updated_at: Timestamp

    @classmethod
    def of(cls, ticket: Ticket) -> TicketAnswer:
        """The answer for `ticket`."""
        return cls(
            id=ticket.ticket_id,
            account_ids=list(ticket.account_ids),
            subject=ticket.subject,
            status=ticket.status,
            assignees=list(ticket.assignees),
            updated_at=ticket.updated_at,
        )


class SessionBody(Body):
    """A session to open; `services` narrows it, `on_behalf_of` is for consoles."""

    account_id: AccountId
    ticket: TicketId
    reason: LongText = ""
    access: Access = Access.READ
    duration_seconds: Annotated[int, Field(ge=900, le=1_000_000)] = 3600
    services: Annotated[list[ServiceName], Field(max_length=200)] = []
    grant_id: GrantId | None = None
    on_behalf_of: EngineerId | None = None

    @field_validator("services")
    @classmethod
    def _fits_a_session_policy(cls, value: list[ServiceName]) -> list[ServiceName]:
        session_policy(value)
        return value

    @property
    def duration(self) -> timedelta:
        """How long the session shall last."""
        return timedelta(seconds=self.duration_seconds)


class SessionAnswer(Answer):
    """A session, never with its credentials."""

    id: SessionId
    account_id: AccountId
    ticket: TicketId
    engineer: EngineerId
    access: Access
    grant_id: GrantId
    role_arn: str
    role_session_name: str
    access_key_id: str
    kid: str
    jti: str
    services: list[ServiceName]
    issued_at: Timestamp
    expires_at: Timestamp
    revoked_at: Timestamp | None

    @classmethod
    def of(cls, session: Session) -> SessionAnswer:
        """The answer for `session`."""
        return cls(
            id=session.session_id,
            account_id=session.account_id,
            ticket=session.ticket_id,
            engineer=session.engineer,
            access=session.access,
            grant_id=session.grant_id,
            role_arn=session.role_arn,
            role_session_name=session.role_session_name,
            access_key_id=session.access_key_id,
            kid=session.kid,
            jti=session.jti,
            services=list(session.services),
            issued_at=session.issued_at,
            expires_at=session.expires_at,
            revoked_at=session.revoked_at,
        )


class CredentialsAnswer(Answer):
    """Credentials, given once."""

    access_key_id: str
    secret_access_key: Annotated[str, Field(repr=False)]
    session_token: Annotated[str, Field(repr=False)]
    expiration: Timestamp

    @classmethod
    def of(cls, credentials: Credentials) -> CredentialsAnswer:
        """The answer for `credentials`."""
        return cls(
            access_key_id=credentials.access_key_id,
            secret_access_key=credentials.secret_access_key,
            session_token=credentials.session_token,
            expiration=credentials.expiration,
        )


class OpenedSessionAnswer(Answer):
    """A session just opened, with its credentials."""

    session: SessionAnswer
    credentials: CredentialsAnswer


class LedgerEntryAnswer(Answer):
    """One ledger entry, member for member as it is hashed, and its hash."""

    schema_: Annotated[int, Field(alias="schema")]
    chain: str
    seq: int
    at: str
    actor: str
    action: str
    outcome: str
    reason: str | None
    ids: dict[str, str]
    details: dict[str, str | int | bool | list[str]]
    previous_hash: str
    hash: str

    @classmethod
    def of(cls, entry: LedgerEntry) -> LedgerEntryAnswer:
        """The answer for `entry`."""
        return cls.model_validate({**entry.unhashed(), "hash": entry.hash})


class ApiTokenBody(Body):
    """An API token to make."""

    subject: EngineerId
    roles: Annotated[list[Role], Field(min_length=1, max_length=6)]
    account_ids: Annotated[list[AccountId], Field(max_length=1000)] = []
    expires_at: AwareDatetime

    @field_validator("expires_at")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        try:
            return value.astimezone(UTC)
        except OverflowError as e:
            raise ValueError("is not a time that can be told in UTC") from e


class ApiTokenAnswer(Answer):
    """An API token without its secret."""

    id: str
    subject: str
    roles: list[Role]
    account_ids: list[AccountId]
    created_at: Timestamp
    expires_at: Timestamp
    revoked_at: Timestamp | None

    @classmethod
    def of(cls, token: ApiToken) -> ApiTokenAnswer:
        """The answer for `token`."""
        return cls(
            id=token.token_id,
            subject=token.subject,
            roles=list(token.roles),
            account_ids=list(token.account_ids),
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
        )


class CreatedApiTokenAnswer(ApiTokenAnswer):
    """An API token just made: `secret` is the whole bearer token, shown once."""

    secret: Annotated[str, Field(repr=False)]


class SelfAnswer(Answer):
    """Who is calling, and what the caller's roles may do."""

    subject: str
    roles: list[Role]
    account_ids: list[AccountId]
    actions: list[Action]

    @classmethod
    def of(cls, caller: Caller) -> SelfAnswer:
        """The answer for `caller`."""
        return cls(
            subject=caller.subject,
            roles=sorted(caller.roles),
            account_ids=sorted(caller.account_ids),
            actions=[action for action in Action if may_ever(caller, action)],
        )


class FieldProblemAnswer(Answer):
    """What is wrong with one field."""

    field: str
    message: str


class ProblemAnswer(Answer):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldProblemAnswer] | None = None


class AccountPage(Answer):
    """A part of the accounts."""

    items: list[AccountAnswer]
    next: str | None


class TicketPage(Answer):
    """A part of the tickets."""

    items: list[TicketAnswer]
    next: str | None


class SessionPage(Answer):
    """A part of the sessions."""

    items: list[SessionAnswer]
    next: str | None


class LedgerPage(Answer):
    """A part of a chain."""

    items: list[LedgerEntryAnswer]
    next: str | None


class ApiTokenPage(Answer):
    """A part of the API tokens."""

    items: list[ApiTokenAnswer]
    next: str | None
