"""What two callers must not learn of each other: customers of one ticket, tokens of one subject."""

from __future__ import annotations

import secrets

from broker.domain.identity.permissions import Role
from tests.integration.api.world import ACCOUNT, World

ELSEWHERE = "777788889999"


def test_a_ticket_of_two_customers_shows_each_only_their_own_account(world: World):
    """A customer never reads another customer's account id."""
    subject = f"bound-{secrets.token_hex(4)}"
    world.add_caller(subject, Role.CUSTOMER, accounts=(ACCOUNT,))
    ticket = {"account_ids": [ACCOUNT, ELSEWHERE], "status": "open", "subject": "shared"}
    console = world.inside("console")
    assert console.put("/v1/tickets/SHARED", json=ticket).is_success
    seen = world.inside(subject).get("/v1/tickets/SHARED").json()
    assert seen["account_ids"] == [ACCOUNT]
    listed = world.inside(subject).get("/v1/tickets", params={"limit": 200}).json()["items"]
    assert all(set(one["account_ids"]) <= {ACCOUNT} for one in listed)
    assert console.get("/v1/tickets/SHARED").json()["account_ids"] == [ACCOUNT, ELSEWHERE]


def test_an_idempotency_key_is_one_tokens_own(world: World):
    """Another token of the same subject, which may be allowed less, gets no kept answer."""
    subject = f"svc-{secrets.token_hex(4)}"
    key = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"account_ids": [], "status": "open", "subject": "kept"}
    world.add_caller(subject, Role.CONSOLE)
    first = world.inside_of(world.services, subject)
    assert first.put("/v1/tickets/KEPT", json=body, headers=key).is_success
    world.add_caller(subject, Role.AUDITOR)
    second = world.inside_of(world.services, subject)
    answer = second.put("/v1/tickets/KEPT", json=body, headers=key)
    assert answer.json()["code"] == "forbidden"
