"""API tokens: who bears one, making one, ending one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from broker.domain.api_tokens import ApiToken, read_api_token, secret_hash, write_api_token
from broker.domain.identifiers import AccountId
from broker.domain.ledger import BROKER_CHAIN, LedgerAction, Outcome
from broker.domain.permissions import Action, Caller, Role
from broker.domain.ports import ApiTokenRepository, Journal, Save
from broker.errors import FieldProblem, InvalidRequest, NotFound, Unauthenticated
from broker.services.ambient import Clock, Entropy
from broker.services.authorization import Gate
from broker.services.calls import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiToken:
    """What an API token is to be good for."""

    subject: str
    roles: Sequence[Role]
    account_ids: Sequence[AccountId]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTokens:
    """The API tokens of services and of the sandbox's people."""

    journal: Journal
    tokens: ApiTokenRepository
    gate: Gate
    clock: Clock
    entropy: Entropy

    def authenticate(self, text: str) -> Caller:
        """Who bears the presented token. Raises Unauthenticated, always in the same words."""
        parts = read_api_token(text)
        stored = self.tokens.get(parts[0]) if parts else None
        if parts is None or stored is None:
            raise _not_accepted()
        token = stored.record
        if not (token.matches(parts[1]) and token.usable_at(self.clock())):
            raise _not_accepted()
        return token.caller()

    def create(self, new: NewApiToken, call: Call) -> tuple[ApiToken, str]:
        """The token's record, and its text, which can be had only now."""
        self.gate.require(call, Action.MANAGE_API_TOKENS)
        return self.issue(new, call)

    def issue(self, new: NewApiToken, call: Call) -> tuple[ApiToken, str]:
        """Like `create`, for the operator at the machine itself, who needs no token to ask."""
        now = self.clock()
        if new.expires_at <= now:
            raise InvalidRequest(
                "The API token would have expired already. Name a later `expires_at`.",
                problems=[FieldProblem("expires_at", "must be in the future")],
            )
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
                details={"subject": token.subject, "roles": [role.value for role in token.roles]},
            ),
            now=now,
            saves=[Save(token, expected=0)],
        )
        return token, write_api_token(token_id, secret)

    def revoke(self, token_id: str, call: Call) -> None:
        """End the token at once; ending it again changes nothing. Raises NotFound."""
        self.gate.require(call, Action.MANAGE_API_TOKENS)
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


def _not_accepted() -> Unauthenticated:
    return Unauthenticated(
        "The API token is unknown, expired or revoked. Send `Authorization: Bearer <token>`."
    )
