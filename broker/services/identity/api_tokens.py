"""API tokens: who bears one, making one, ending one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.domain.identifiers import AccountId
from broker.domain.identity.api_tokens import ApiToken, read_api_token, secret_hash, write_api_token
from broker.domain.identity.permissions import Action, Caller, Role
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, Outcome
from broker.domain.ports import ApiTokenRepository, Journal, Save
from broker.domain.times import rfc3339
from broker.errors import Conflict, FieldProblem, InvalidRequest, NotFound
from broker.services.ambient import Clock, Entropy
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.identity.authentication import CredentialRefused, Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiToken:
    """What an API token is to be good for."""

    subject: str
    roles: Sequence[Role]
    account_ids: Sequence[AccountId]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTokens:
    """The API tokens of services and of the sandbox's people; the Authenticator of their kind."""

    journal: Journal
    tokens: ApiTokenRepository
    gate: Gate
    longest_life: timedelta
    clock: Clock
    entropy: Entropy

    def authenticate(self, credential: str) -> Caller:
        """See Authenticator. Read anew each time, so that a revocation holds at once."""
        parts = read_api_token(credential)
        if parts is None:
            raise CredentialRefused("api_token_malformed")
        token_id, secret = parts
        ids = {"api_token": token_id}
        stored = self.tokens.get(token_id)
        if stored is None:
            raise CredentialRefused("api_token_unknown", ids=ids)
        token = stored.record
        if not token.matches(secret):
            raise CredentialRefused("api_token_wrong_secret", ids=ids)
        # Only who holds the secret gets this far, and may be told.
        if token.revoked_at is not None:
            raise CredentialRefused("api_token_revoked", ids=ids, ending=Ending.REVOKED)
        if token.expired_at(self.clock()):
            raise CredentialRefused("api_token_expired", ids=ids, ending=Ending.EXPIRED)
        return token.caller()

    def remembered_by(self, credential: str) -> str:
        """See Authenticator: by all of it, or others could guess at its secret."""
        return credential

    def create(self, new: NewApiToken, call: Call) -> tuple[ApiToken, str]:
        """The token's record, and its text, which can be had only now."""
        self.gate.require(call, Action.MANAGE_API_TOKENS)
        return self.issue(new, call)

    def issue(self, new: NewApiToken, call: Call) -> tuple[ApiToken, str]:
        """Like `create`, for the operator at the machine itself, who needs no token to ask."""
        now = self.clock()
        self._check(new, now)
        token_id, secret = self.entropy.api_token()
        token = ApiToken(
            token_id=token_id,
            secret_hash=secret_hash(secret),
            subject=new.subject,
            roles=tuple(sorted(set(new.roles))),
            account_ids=tuple(sorted(set(new.account_ids))),
            created_at=now,
            expires_at=new.expires_at,
        )
        self.journal.record(
            BROKER_CHAIN,
            call.event(
                LedgerAction.API_TOKEN_CREATED,
                Outcome.DONE,
                ids={"api_token": token_id},
                details={
                    "subject": token.subject,
                    "roles": [role.value for role in token.roles],
                    "accounts": [str(account_id) for account_id in token.account_ids],
                    "expires_at": rfc3339(token.expires_at),
                },
            ),
            now=now,
            saves=[Save(token, expected=0)],
        )
        return token, write_api_token(token_id, secret)

    def _check(self, new: NewApiToken, now: datetime) -> None:
        problems = []
        if new.expires_at <= now:
            problems.append(FieldProblem("expires_at", "must be in the future"))
        if new.expires_at > now + self.longest_life:
            days = self.longest_life.days
            problems.append(FieldProblem("expires_at", f"must be within {days} days"))
        if Role.CUSTOMER in new.roles and not new.account_ids:
            problems.append(
                FieldProblem("account_ids", "must name an account: a customer has no others")
            )
        if problems:
            first = problems[0]
            raise InvalidRequest(
                f"No such API token can be made. `{first.field}` {first.message}.",
                problems=problems,
            )

    def revoke(self, token_id: str, call: Call) -> None:
        """End the token at once; ending it again changes nothing. Raises NotFound."""
        self.gate.require(call, Action.MANAGE_API_TOKENS)
        try:
            self._revoke(token_id, call)
        except Conflict:
            # Nothing else changes a token, so somebody has ended it at the same moment.
            self._revoke(token_id, call)

    def _revoke(self, token_id: str, call: Call) -> None:
        stored = self.tokens.get(token_id)
        if stored is None:
            raise NotFound("No such API token.")
        if stored.record.revoked_at is not None:
            return
        now = self.clock()
        self.journal.record(
            BROKER_CHAIN,
            call.event(LedgerAction.API_TOKEN_REVOKED, Outcome.DONE, ids={"api_token": token_id}),
            now=now,
            saves=[Save(replace(stored.record, revoked_at=now), expected=stored.version)],
        )
