"""Each route answers as the HTTP contract says: these members, these headers, these lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from broker.domain.identity.permissions import Action, may_ever
from broker.services.identity.api_tokens import ApiTokens
from tests.integration.api.world import (
    ACCOUNT,
    ASKING,
    ENGINEER,
    IN_A_MONTH,
    OTHER,
    TICKET,
    UNREADY,
    World,
    answered,
    assert_problem,
    pages,
)

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ACCOUNT_MEMBERS = {
    *("account_id", "partition", "customer", "payer", "profile", "consent", "state", "issuer"),
    *("external_id", "launch_url", "template_version", "last_error"),
}
SESSION_MEMBERS = {
    *("id", "account_id", "ticket", "engineer", "access", "grant_id", "role_arn"),
    *("role_session_name", "access_key_id", "kid", "jti", "issued_at", "expires_at", "revoked_at"),
}
TICKET_MEMBERS = {"id", "account_ids", "subject", "status", "assignees"}
ELSEWHERE = timezone(timedelta(hours=2))
TOKEN_MEMBERS = {
    "id",
    "subject",
    "roles",
    "account_ids",
    "expires_at",
    "revoked_at",
    "last_used_at",
}
CREDENTIALS = {"access_key_id", "secret_access_key", "session_token", "expiration"}
ENTRY_MEMBERS = {
    *("schema", "chain", "seq", "at", "actor", "action", "outcome", "reason", "ids", "details"),
    *("previous_hash", "hash"),
}


def assert_times(document: Mapping[str, Any], *names: str) -> None:
    """Each of these members is RFC 3339 in UTC with `Z`."""
    for name in names:
        assert RFC3339.fullmatch(document[name]), (name, document[name])


def test_accounts(world: World) -> None:
    """Registered, shown with keys and an ETag, listed, changed."""
    console = world.over_http("console")
    new = {"account_id": "100000000001", "customer": "Zoë & Co", "payer": True, "profile": "full"}
    made = answered(console.post("/v1/accounts", json=new), 201)
    assert made.keys() >= ACCOUNT_MEMBERS
    assert {name: made[name] for name in new} == new
    assert (made["partition"], made["consent"], made["state"]) == ("aws", "standing", "registered")
    assert re.fullmatch(re.escape(world.stage.url) + "/oidc/[a-z0-9]{32}", made["issuer"])
    assert made["external_id"] in made["launch_url"]
    assert made["template_version"] is None
    assert made["last_error"] is None

    shown = console.get("/v1/accounts/100000000001")
    assert re.fullmatch(r'"[0-9]+"', shown.headers["ETag"])
    account = answered(shown, 200)
    assert account == made
    for key in account["keys"]:
        assert key.keys() == {"kid", "state", "algorithm", "created_at"}
        assert_times(key, "created_at")
    assert [key["state"] for key in account["keys"]] == ["active", "published"]

    changed = console.patch(
        "/v1/accounts/100000000001",
        json={"profile": "metadata", "payer": False},
        headers={"If-Match": shown.headers["ETag"]},
    )
    link = account["launch_url"].replace("PayerAccount=true", "PayerAccount=false")
    wanted = {"profile": "metadata", "payer": False, "launch_url": link}
    assert answered(changed, 200) == {**account, **wanted}
    late = console.patch(
        "/v1/accounts/100000000001",
        json={"payer": True},
        headers={"If-Match": shown.headers["ETag"]},
    )
    assert_problem(late, 409, "stale_version")
    again = console.post("/v1/accounts", json=new)
    assert_problem(again, 409, "already_registered")
    assert console.get("/v1/accounts/100000000001").json() == changed.json()


def test_reconciliation(world: World) -> None:
    """202 with the account: active, or as before with the reason."""
    console = world.over_http("console")
    account = answered(console.post(f"/v1/accounts/{ACCOUNT}/reconciliation"), 202)
    assert (account["state"], account["last_error"]) == ("active", None)
    account = answered(console.post(f"/v1/accounts/{UNREADY}/reconciliation"), 202)
    assert account["state"] == "registered"
    assert "arn:" not in account["last_error"]
    missing = console.post("/v1/accounts/999999999999/reconciliation")
    assert_problem(missing, 404, "not_found")


def test_tickets(world: World) -> None:
    """PUT replaces the whole ticket; what is left out takes its default."""
    console = world.over_http("console")
    told = {
        "account_ids": [ACCOUNT, OTHER],
        "subject": "Größe",
        "status": "open",
        "assignees": [ENGINEER],
    }
    made = answered(console.put("/v1/tickets/CASE-2.x_1", json=told), 200)
    assert made.keys() >= TICKET_MEMBERS
    assert_times(made, "updated_at")
    assert {name: made[name] for name in told} == told
    assert answered(console.get("/v1/tickets/CASE-2.x_1"), 200) == made
    less = {"account_ids": [], "status": "closed"}
    replaced = answered(console.put("/v1/tickets/CASE-2.x_1", json=less), 200)
    assert (replaced["subject"], replaced["assignees"]) == ("", [])
    assert_problem(console.get("/v1/tickets/CASE-NONE"), 404, "not_found")


def test_sessions(world: World) -> None:
    """201 with session and credentials; shown and listed ever after without the credentials."""
    engineer = world.over_http(ENGINEER)
    before = datetime.now(UTC)
    answer = world.session(engineer, duration_seconds=900, services=["s3", "ec2", "ec2"])
    opened = answered(answer, 201)
    assert opened.keys() == {"session", "credentials"}
    session, credentials = opened["session"], opened["credentials"]
    assert session.keys() >= SESSION_MEMBERS
    assert credentials.keys() == CREDENTIALS
    assert_times(session, "issued_at", "expires_at")
    assert_times(credentials, "expiration")
    assert session["revoked_at"] is None
    assert session["access_key_id"] == credentials["access_key_id"]
    assert session["expires_at"] == credentials["expiration"]
    ends = datetime.fromisoformat(session["expires_at"])
    assert 895 <= (ends - before).total_seconds() <= 905
    assert (session["engineer"], session["ticket"]) == (ENGINEER, TICKET)
    assert session["services"] == ["ec2", "s3"]
    assert session["role_arn"].startswith(f"arn:aws:iam::{ACCOUNT}:role/")

    assert answered(engineer.get(f"/v1/sessions/{session['id']}"), 200) == session
    listed = answered(engineer.get("/v1/sessions", params={"account_id": ACCOUNT}), 200)
    assert listed["items"][0] == session
    assert credentials["secret_access_key"] not in str(listed)
    assert_problem(engineer.get(f"/v1/sessions/s-{'0' * 20}"), 404, "not_found")


def test_a_second_session_uses_the_open_grant(world: World) -> None:
    """Without grant_id: the caller's own open grant for account, ticket and access."""
    engineer = world.over_http(ENGINEER)
    first = answered(world.session(engineer), 201)["session"]
    second = answered(world.session(engineer), 201)["session"]
    by_case = answered(world.session(engineer, access="case"), 201)["session"]
    assert second["grant_id"] == first["grant_id"] != by_case["grant_id"]
    assert second["id"] != first["id"]
    named = answered(world.session(engineer, grant_id=first["grant_id"]), 201)["session"]
    assert named["grant_id"] == first["grant_id"]


def test_a_console_opens_sessions_for_an_engineer(world: World) -> None:
    """on_behalf_of says for whom; the ledger says who asked."""
    console = world.over_http("console")
    answer = world.session(console, on_behalf_of="bea@vendor.example")
    session = answered(answer, 201)["session"]
    assert session["engineer"] == "bea@vendor.example"
    entries = [entry for entry in world.ledger(ACCOUNT) if session["id"] in entry.ids.values()]
    assert {entry.actor for entry in entries} == {"console"}
    problem = assert_problem(world.session(console), 400, "invalid_request")
    assert [each["field"] for each in problem["errors"]] == ["on_behalf_of"]


def test_services_that_do_not_fit_a_session_policy_are_refused(world: World) -> None:
    """AWS takes 2,048 characters; the answer says how many there were."""
    services = [f"service-with-a-long-name-{number}" for number in range(100)]
    answer = world.session(world.over_http(ENGINEER), services=services)
    problem = assert_problem(answer, 400, "invalid_request")
    assert [each["field"] for each in problem["errors"]] == ["services"]
    assert "2048" in problem["detail"]


def test_api_tokens(world: World) -> None:
    """The secret is in the first answer and nowhere else; a revoked token is nobody's."""
    admin = world.over_http("admin")
    new = {
        "subject": "exporter",
        "roles": ["auditor"],
        "account_ids": [ACCOUNT],
        "expires_at": datetime.fromisoformat(IN_A_MONTH).astimezone(ELSEWHERE).isoformat(),
    }
    made = answered(admin.post("/v1/tokens", json=new), 201)
    assert made.keys() >= TOKEN_MEMBERS | {"secret"}
    assert made["expires_at"] == IN_A_MONTH
    assert_times(made, "created_at", "expires_at")
    secret = made.pop("secret")
    assert made in list(pages(admin, "/v1/tokens"))
    assert secret not in str(list(pages(admin, "/v1/tokens")))
    with world.stage.client(secret) as bearer:
        assert answered(bearer.get("/v1/me"), 200)["subject"] == "exporter"
        revoked = admin.delete(f"/v1/tokens/{made['id']}")
        assert (revoked.status_code, revoked.content) == (204, b"")
        assert revoked.headers["Cache-Control"] == "no-store"
        assert_problem(bearer.get("/v1/me"), 401, "unauthenticated")
    assert admin.delete(f"/v1/tokens/{made['id']}").status_code == 204
    assert_problem(admin.delete(f"/v1/tokens/{'f' * 12}"), 404, "not_found")


def test_me(world: World) -> None:
    """Who the caller is and may do what."""
    me = answered(world.over_http("customer").get("/v1/me"), 200)
    assert me["subject"] == "customer"
    assert me["roles"] == ["customer"]
    assert me["account_ids"] == sorted([ACCOUNT, ASKING])
    caller = caller_of(world, "customer")
    assert me["actions"] == [action for action in Action if may_ever(caller, action)]


def caller_of(world: World, subject: str) -> Any:
    tokens: ApiTokens = world.services.api_tokens
    return tokens.authenticate(world.secrets[subject])


def test_ledger_entries(world: World) -> None:
    """Each entry with all that its hash is taken over."""
    answer = world.over_http("auditor").get("/v1/ledger", params={"account_id": ACCOUNT})
    for number, entry in enumerate(answered(answer, 200)["items"], start=1):
        assert entry.keys() == ENTRY_MEMBERS
        assert (entry["chain"], entry["seq"]) == (ACCOUNT, number)
        assert_times(entry, "at")


LISTS = [
    ("admin", "/v1/accounts", {}, "account_id"),
    ("customer", "/v1/accounts", {}, "account_id"),
    ("admin", "/v1/tickets", {}, "id"),
    ("customer", "/v1/tickets", {}, "id"),
    ("admin", "/v1/sessions", {}, "id"),
    ("customer", "/v1/sessions", {}, "id"),
    (ENGINEER, "/v1/sessions", {}, "id"),
    ("admin", "/v1/sessions", {"account_id": ACCOUNT}, "id"),
    ("admin", "/v1/tokens", {}, "id"),
    ("auditor", "/v1/ledger", {}, "seq"),
    ("customer", "/v1/ledger", {"account_id": ACCOUNT}, "seq"),
]


@pytest.mark.parametrize(("caller", "path", "query", "key"), LISTS)
def test_a_list_is_read_once_and_whole_in_parts(
    world: World, caller: str, path: str, query: dict[str, str], key: str
) -> None:
    """Whatever the limit: each item exactly once, no part longer than the limit."""
    for number in range(3):
        world.write_ticket(f"LIST-{number}", ACCOUNT)
    answered(world.session(world.over_http(ENGINEER)), 201)
    answered(world.session(world.over_http(ENGINEER)), 201)
    client = world.over_http(caller)
    answer = answered(client.get(path, params={**query, "limit": 200}), 200)
    assert answer.keys() == {"items", "next"}
    whole = list(pages(client, path, limit=200, **query))
    assert len(whole) > 1
    for limit in (1, 2, 3):
        first = answered(client.get(path, params={**query, "limit": limit}), 200)
        assert len(first["items"]) <= limit
        assert isinstance(first["next"], str) or len(whole) <= limit
        assert list(pages(client, path, limit=limit, **query)) == whole
    keys = [item[key] for item in whole]
    assert len(set(keys)) == len(keys)


def test_sessions_are_listed_newest_first(world: World) -> None:
    """The last one opened is the first one shown."""
    engineer = world.over_http(ENGINEER)
    ids = [answered(world.session(engineer), 201)["session"]["id"] for _ in range(3)]
    listed = engineer.get("/v1/sessions", params={"limit": 3}).json()["items"]
    assert [session["id"] for session in listed] == ids[::-1]


def test_a_list_has_fifty_items_unless_told(world: World) -> None:
    """limit: 1 to 200, 50 by default."""
    for number in range(55):
        world.write_ticket(f"MANY-{number:02}", ACCOUNT)
    console = world.over_http("console")
    assert len(console.get("/v1/tickets").json()["items"]) == 50
    assert len(console.get("/v1/tickets?limit=200").json()["items"]) > 50


def test_a_caller_cannot_choose_the_address_in_the_ledger(world: World) -> None:
    """Without a trusted proxy, X-Forwarded-For is only what somebody says."""
    headers = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    refused = world.over_http("auditor").post(
        f"/v1/accounts/{ACCOUNT}/reconciliation", headers=headers
    )
    request_id = assert_problem(refused, 403, "forbidden")["request_id"]
    entry = next(each for each in world.ledger() if each.ids.get("request") == request_id)
    assert entry.details["source_address"] == "127.0.0.1"
