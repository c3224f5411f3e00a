"""Who calls: people, services, and whoever is about to sign in."""

from __future__ import annotations

from datetime import timedelta

from broker.contract.api_tokens import (
    ApiTokenAnswer,
    ApiTokenBody,
    ApiTokenPage,
    CreatedApiTokenAnswer,
)
from broker.contract.me import SelfAnswer
from broker.contract.sign_in import SignInAnswer
from broker.domain.identifiers import EngineerId
from broker.domain.identity.api_tokens import write_api_token
from broker.domain.identity.permissions import Action, EstablishedBy, Role
from broker.web.examples import world

_QUARTER = timedelta(days=90)

TOKEN_WANTED = ApiTokenBody(
    subject=EngineerId("ticket-desk"),
    roles=[Role.CONSOLE],
    expires_at=world.at(9, 0) + _QUARTER,
)
TOKEN = ApiTokenAnswer(
    id=world.API_TOKEN_ID,
    subject="ticket-desk",
    roles=[Role.CONSOLE],
    account_ids=[],
    created_at=world.at(9, 0),
    expires_at=world.at(9, 0) + _QUARTER,
    revoked_at=None,
    last_used_at=world.at(13, 50),
)
TOKENS = ApiTokenPage(items=[TOKEN], next=None)
MADE = CreatedApiTokenAnswer(
    **(TOKEN.model_dump() | {"last_used_at": None}),
    secret=write_api_token(world.API_TOKEN_ID, "EXAMPLE"),
)

CALLER = SelfAnswer(
    subject=world.ENGINEER,
    roles=[Role.ENGINEER],
    account_ids=[],
    actions=[Action.READ_TICKET, Action.REQUEST_GRANT, Action.OPEN_SESSION],
    signed_in_by=EstablishedBy.IDENTITY_TOKEN,
    session_expires_at=world.at(18, 0),
    csrf_token=None,
)

SIGN_IN = SignInAnswer(
    issuer="https://login.vendor.example", client_id="broker-cli", scope="openid email"
)

EXAMPLES = (TOKEN_WANTED, TOKEN, TOKENS, MADE, CALLER, SIGN_IN)
