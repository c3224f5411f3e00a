"""DESIGN.md's promises, each shown on real input from end to end.

Promise 3 is shown in test_management_role.py, 7 in test_outage.py, 8 in test_repair.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from broker.cli.demo.stage import Customer
from tests.e2e.chains import check_chain
from tests.e2e.estate import READ_ROLE, delete_role, estate, refusal
from tests.e2e.minting import Claims, support_role
from tests.e2e.world import ENGINEER, FULL, METADATA, TICKET, World

AWS = "https://aws.amazon.com"


def exchange(world: World, token: str, role_arn: str) -> Any:
    """What STS answers to the token, asked by anybody."""
    return world.client("sts").assume_role_with_web_identity(
        RoleArn=role_arn,
        RoleSessionName="whoever",
        WebIdentityToken=token,
        DurationSeconds=900,
    )


# Promise 1: one account, one issuer, one key.


def test_every_account_has_an_issuer_and_keys_of_its_own(world: World) -> None:
    """No two accounts share an issuer or a key, and each trusts its own issuer alone."""
    published = {}
    for customer in (world.metadata, world.full):
        account = customer.account
        provider = account["issuer"].removeprefix("http://")
        arn = f"arn:aws:iam::{account['account_id']}:oidc-provider/{provider}"
        assert set(estate(world, customer)["providers"]) == {arn}
        assert account["account_id"] not in account["issuer"]
        keys = httpx.get(f"{account['issuer']}/jwks.json", trust_env=False).json()["keys"]
        published[account["issuer"]] = {key["kid"] for key in keys}
        assert published[account["issuer"]] == {key["kid"] for key in account["keys"]}
    (first, second) = published.values()
    assert not first & second


def test_a_token_opens_the_role_of_its_own_account(world: World) -> None:
    """The yardstick of the refusals below: such a token, unspoilt, is accepted."""
    account = world.metadata.account
    given = exchange(world, world.mint.token(account), support_role(account))
    assert given["SourceIdentity"] == "mallory@vendor.example"


def test_a_token_is_refused_by_every_other_account(world: World) -> None:
    """Not even a token that is pinned to the other account's role opens it."""
    target = support_role(world.metadata.account)
    foreign = world.mint.token(world.full.account, role_arn=target)
    assert refusal(exchange, world=world, token=foreign, role_arn=target) == "InvalidIdentityToken"


def test_a_key_signs_for_no_other_issuer(world: World) -> None:
    """With another account's key, naming this account's issuer does not help."""
    theirs = world.mint.signer(world.full.account)
    forged = world.mint.token(world.metadata.account, signer=theirs)
    target = support_role(world.metadata.account)
    assert refusal(exchange, world=world, token=forged, role_arn=target) == "InvalidIdentityToken"


# Promise 2: AWS itself enforces the ticket.


def without(name: str) -> Callable[[Claims], Claims]:
    """Claims lacking one."""
    return lambda claims: {key: value for key, value in claims.items() if key != name}


def without_tag(tag: str) -> Callable[[Claims], Claims]:
    """Claims whose session tags lack one."""

    def spoil(claims: Claims) -> Claims:
        text = json.dumps(claims[f"{AWS}/tags"])
        tags = json.loads(text)
        del tags["principal_tags"][tag]
        tags["transitive_tag_keys"].remove(tag)
        return {**claims, f"{AWS}/tags": tags}

    return spoil


def replaced(**values: object) -> Callable[[Claims], Claims]:
    """Claims with other values."""
    return lambda claims: {**claims, **values}


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(without_tag("Ticket"), "AccessDenied", id="no ticket"),
        pytest.param(without_tag("Session"), "AccessDenied", id="no session"),
        pytest.param(without(f"{AWS}/tags"), "AccessDenied", id="no tags"),
        pytest.param(without(f"{AWS}/source_identity"), "AccessDenied", id="nobody"),
        pytest.param(without(f"{AWS}/roles"), "AccessDenied", id="pinned to no role"),
        pytest.param(replaced(sub="support:222233334444"), "AccessDenied", id="another subject"),
        pytest.param(replaced(aud="another.audience"), "InvalidIdentityToken", id="audience"),
        pytest.param(
            replaced(**{f"{AWS}/roles": [f"arn:aws:iam::{METADATA}:role/Acme-Support-Cases"]}),
            "InvalidIdentityToken",
            id="pinned to the other role",
        ),
    ],
)
def test_aws_refuses_a_token_that_lacks_what_the_trust_policy_demands(
    world: World, spoil: Callable[[Claims], Claims], code: str
) -> None:
    """Whoever controls the signing key still cannot leave out ticket, session or engineer."""
    account = world.metadata.account
    token = world.mint.token(account, spoil=spoil)
    assert refusal(exchange, world=world, token=token, role_arn=support_role(account)) == code


def test_an_account_is_active_only_after_aws_has_proved_it(world: World) -> None:
    """The canaries ran at provisioning, for both roles, and none of them failed."""
    intended, proof, *_ = (
        entry for entry in world.ledger(METADATA) if entry["action"] == "account.canary"
    )
    assert (intended["outcome"], proof["outcome"]) == ("intended", "done")
    assert proof["details"]["failed"] == []
    missing = ("without the ticket tag", "without the session tag", "without source identity")
    others = ("for another audience", "for another subject", "of another account")
    pinned = ("pinned to the other role", "pinned to no role")
    expected = {
        f"{access}: a {token}"
        for access in ("read", "case")
        for token in ("good token", *(f"token {how}" for how in (*missing, *others, *pinned)))
    }
    assert set(proof["details"]["ran"]) == expected


# Promise 4: credentials are never at rest.


def test_credentials_and_tokens_are_never_at_rest(world: World) -> None:
    """Neither the store, nor any file of the broker, nor its log holds what opens the account.

    The access key's id, which is no secret, shows that the search finds what is there.
    """
    opened = world.session(METADATA, reason="to be looked for")
    given, session = opened["credentials"], opened["session"]
    identity_token = world.wire.identity_token(session["jti"])
    secrets = {
        given["secret_access_key"],
        given["session_token"],
        identity_token,
        identity_token.rpartition(".")[2],
        world.engineer.api_token,
        world.console.api_token,
        world.stage.environment["AWS_SECRET_ACCESS_KEY"],
    }
    kept = {
        "store": store_dump(world.stage.folder / "store"),
        "files": b"".join(files_under(world.stage.folder)),
        "log": world.stage.log.read_bytes(),
    }
    assert given["access_key_id"].encode() in kept["store"]
    assert given["access_key_id"].encode() in kept["files"]
    assert session["id"].encode() in kept["log"]
    assert [
        (place, secret) for place in kept for secret in secrets if secret.encode() in kept[place]
    ] == []


def store_dump(folder: Path) -> bytes:
    """Every key of the store with everything in it."""
    with Redis(unix_socket_path=str(folder / "store.sock")) as redis:
        read = {
            b"string": redis.get,
            b"hash": redis.hgetall,
            b"stream": redis.xrange,
            b"zset": lambda key: redis.zrange(key, 0, -1),
        }
        dump = [(key, read[redis.type(key)](key)) for key in redis.scan_iter(count=1000)]
    return repr(dump).encode()


def files_under(folder: Path) -> Iterable[bytes]:
    """The contents of every file: the store's append-only file, the logs."""
    return (path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_credentials_are_answered_once_and_cached_by_nobody(world: World) -> None:
    """The answer says `no-store`, and nothing that is asked later holds them again."""
    body = {"account_id": METADATA, "ticket": TICKET}
    answer = world.engineer.http.post("/v1/sessions", json=body)
    assert answer.headers["Cache-Control"] == "no-store"
    opened = answer.json()
    later = [
        world.engineer.http.get(f"/v1/sessions/{opened['session']['id']}"),
        world.auditor.http.get("/v1/sessions"),
        world.auditor.http.get("/v1/ledger", params={"account_id": METADATA, "limit": "200"}),
    ]
    for answer in later:
        assert answer.is_success
        assert opened["credentials"]["secret_access_key"] not in answer.text
        assert opened["credentials"]["session_token"] not in answer.text


# Promise 5: every decision is in the ledger.


@pytest.mark.parametrize(
    ("ticket", "asked", "reason"),
    [
        ({"status": "closed"}, {}, "ticket_closed"),
        ({"account_ids": [FULL]}, {}, "ticket_not_for_account"),
        ({"assignees": ["john@vendor.example"]}, {}, "not_assigned"),
        ({}, {"duration_seconds": 43200}, "duration_too_long"),
        ({}, {"ticket": "T-never-heard-of"}, "ticket_not_found"),
    ],
)
def test_a_refusal_is_in_the_accounts_chain(
    world: World, ticket: Mapping[str, Any], asked: Mapping[str, Any], reason: str
) -> None:
    """The customer can read who wanted in and why it was refused, under the answer's request."""
    world.ticket("T-refused", METADATA, **ticket)
    body = {"account_id": METADATA, "ticket": "T-refused", **asked}
    answer = world.engineer.http.post("/v1/sessions", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, reason)
    last = world.ledger(METADATA)[-1]
    assert last["ids"]["request"] == answer.json()["request_id"]
    assert (last["action"], last["outcome"]) == ("session.opened", "refused")
    assert (last["actor"], last["reason"]) == (ENGINEER, reason)
    assert last["ids"]["ticket"] == body["ticket"]


@pytest.mark.parametrize(
    ("caller", "path", "body", "code"),
    [
        ("auditor", "/v1/sessions", {"account_id": METADATA, "ticket": TICKET}, "forbidden"),
        ("engineer", "/v1/sessions", {"account_id": "9" * 12, "ticket": TICKET}, "not_found"),
        ("engineer", "/v1/accounts", {"account_id": "9" * 12, "customer": "None"}, "forbidden"),
        ("auditor", f"/v1/accounts/{METADATA}/reconciliation", None, "forbidden"),
    ],
)
def test_a_refusal_of_who_may_not_ask_is_in_the_brokers_chain(
    world: World, caller: str, path: str, body: Mapping[str, Any] | None, code: str
) -> None:
    """Whoever may not touch an account cannot lengthen its chain either, but is written down."""
    before = len(world.ledger(METADATA))
    answer = getattr(world, caller).http.post(path, json=body)
    assert answer.json()["code"] == code
    last = world.ledger()[-1]
    assert last["ids"]["request"] == answer.json()["request_id"]
    assert (last["outcome"], last["reason"]) == ("refused", code)
    assert len(world.ledger(METADATA)) == before


def test_a_failure_is_in_the_ledger_and_leaks_nothing(world: World, customer: Customer) -> None:
    """What AWS refuses was intended and failed; the answer has neither AWS's words nor an ARN."""
    account_id = customer.account["account_id"]
    ticket = world.ticket(f"T-{account_id}", account_id)
    delete_role(world.administrator("iam", customer), READ_ROLE)
    body = {"account_id": account_id, "ticket": ticket}
    answer = world.engineer.http.post("/v1/sessions", json=body)
    assert (answer.status_code, answer.json()["code"]) == (502, "refused_by_aws")
    assert "arn:" not in answer.text
    assert "Not authorized" not in answer.text
    intended, failed = world.ledger(account_id)[-2:]
    assert (intended["outcome"], failed["outcome"]) == ("intended", "failed")
    assert failed["reason"] == "refused_by_aws"
    assert intended["ids"]["session"] == failed["ids"]["session"]


def test_a_session_is_in_the_ledger_before_it_is_answered(world: World) -> None:
    """Intent and outcome stand there, with everything that leads to CloudTrail."""
    session = world.session(METADATA, reason="Why is it slow?")["session"]
    entries = [e for e in world.ledger(METADATA) if e["ids"].get("session") == session["id"]]
    assert [e["outcome"] for e in entries if e["action"] == "session.opened"] == [
        "intended",
        "done",
    ]
    done = entries[-1]
    assert done["ids"]["access_key"] == session["access_key_id"]
    assert done["details"]["role_session_name"] == session["role_session_name"]
    assert done["details"]["kid"] == session["kid"]


@pytest.mark.parametrize("account_id", [METADATA, FULL, None])
def test_the_chain_can_be_recomputed_by_anybody(world: World, account_id: str | None) -> None:
    """Each entry's hash leads to the next, from the first to the last."""
    entries = world.ledger(account_id)
    assert entries
    check_chain(entries)


# Promise 6: the customer has the last word.


def test_consent_off_ends_live_sessions_and_stops_new_ones(
    world: World, customer: Customer
) -> None:
    """What the customer's own token switches off is off at once; switched on, it is on again.

    A session that was ended does not come back with the consent.
    """
    account_id = customer.account["account_id"]
    ticket = world.ticket(f"T-{account_id}", account_id)
    owner = world.customer_of(account_id)
    live = world.client("s3", world.session(account_id, ticket)["credentials"])
    assert live.list_buckets()["Buckets"] == []
    path = f"/v1/accounts/{account_id}"
    assert owner.ask("PATCH", path, {"consent": "off"})["consent"] == "off"
    assert refusal(live.list_buckets) == "AccessDenied"
    body = {"account_id": account_id, "ticket": ticket}
    refused = world.engineer.http.post("/v1/sessions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_off")
    assert owner.ask("PATCH", path, {"consent": "standing"})["consent"] == "standing"
    world.reconcile(account_id)
    assert refusal(live.list_buckets) == "AccessDenied"
    anew = world.client("s3", world.session(account_id, ticket)["credentials"])
    assert anew.list_buckets()["Buckets"] == []


def test_nobody_else_switches_access_on_again(world: World, customer: Customer) -> None:
    """Neither the vendor, nor another customer, nor a repair undoes the customer's word."""
    account_id = customer.account["account_id"]
    path = f"/v1/accounts/{account_id}"
    world.customer_of(account_id).ask("PATCH", path, {"consent": "off"})
    for person in (world.console, world.engineer, world.callers.admin, world.customer_of(FULL)):
        answer = person.http.patch(path, json={"consent": "standing"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert world.reconcile(account_id)["consent"] == "off"
    ticket = world.ticket(f"T-{account_id}", account_id)
    body = {"account_id": account_id, "ticket": ticket}
    refused = world.engineer.http.post("/v1/sessions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_off")
