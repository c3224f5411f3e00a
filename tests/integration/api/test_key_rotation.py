"""Rotating keys over HTTP, and orphans from the command line, in the sandbox's KMS and STS."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import httpx
import pytest

from broker.cli.demo.stage import NAME_PREFIX, VENDOR_ACCOUNT, command
from broker.domain.identifiers import AccountId
from broker.services.lifecycle.reconcile import Depth
from keys.errors import KeyUnavailable
from tests.contract.store_servers import until
from tests.integration.api.world import ACCOUNT, ENGINEER, OPERATOR, World, assert_problem


@pytest.fixture(scope="module")
def kms(world: World) -> Any:
    """The vendor's KMS, with all permissions."""
    administrator = world.stage.sandbox.create_account(VENDOR_ACCOUNT)
    return boto3.client(
        "kms",
        region_name="us-east-1",
        endpoint_url=world.stage.sandbox.url,
        aws_access_key_id=administrator.access_key_id,
        aws_secret_access_key=administrator.secret_access_key,
    )


@pytest.fixture
def console(world: World) -> httpx.Client:
    return world.over_http("console")


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return itertools.count(312312312312)


@pytest.fixture
def rotating(world: World, console: httpx.Client, numbers: Iterator[int]) -> str:
    """An account of one test alone, with its first two keys, named in a ticket."""
    account_id = str(next(numbers))
    world.stage.onboard(console, account_id)
    world.write_ticket("CASE-ROTATING", account_id)
    return account_id


def rotate(client: httpx.Client, account_id: str, *, emergency: bool) -> httpx.Response:
    return client.post(f"/v1/accounts/{account_id}/key-rotation", json={"emergency": emergency})


def keys_of(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(key["kid"], key["state"]) for key in answer.json()["keys"]]


def published(issuer: str) -> list[str]:
    jwks = httpx.get(f"{issuer}/jwks.json", trust_env=False).raise_for_status()
    return [key["kid"] for key in jwks.json()["keys"]]


def session(world: World, account_id: str) -> httpx.Response:
    return world.session(world.over_http(ENGINEER), account_id=account_id, ticket="CASE-ROTATING")


def test_a_rotation_that_has_to_wait_is_written_down(world, console, rotating):
    """202: the staged key is minutes old, and stays staged; the answer says when next."""
    before = keys_of(console.get(f"/v1/accounts/{rotating}"))

    answer = rotate(console, rotating, emergency=False)

    assert answer.status_code == 202
    assert keys_of(answer) == before
    assert [state for _, state in before] == ["active", "published"]
    assert answer.json()["next_check_at"] is not None
    asked = [entry for entry in world.ledger(rotating) if entry.action == "key.rotation_asked"]
    assert [entry.details["urgency"] for entry in asked] == ["when ready"]


def test_an_emergency_changes_keys_at_once_and_ends_all_sessions(world, console, kms, rotating):
    """The old key is out of the JWKS and out of use; AWS takes the new one; sessions go on."""
    assert session(world, rotating).status_code == 201
    account = console.get(f"/v1/accounts/{rotating}").json()
    old, staged = (key["kid"] for key in account["keys"])
    stored = world.services.store.accounts.get(rotating)
    locators = {key.kid: key.reference.locator for key in stored.record.keys}

    answer = rotate(console, rotating, emergency=True)

    assert answer.status_code == 202, answer.text
    kids = keys_of(answer)
    assert kids[:2] == [(old, "retired"), (staged, "active")]
    assert kids[2][1] == "published"
    assert answer.json()["last_error"] is None
    state = kms.describe_key(KeyId=locators[old])["KeyMetadata"]["KeyState"]
    assert state == "PendingDeletion"
    # AWS dates sessions in whole seconds, so none opens in the second of the revocation.
    until(lambda: session(world, rotating).status_code == 201)
    # Each process follows the store within seconds.
    until(lambda: old not in published(account["issuer"]))
    told = [(entry.action, entry.outcome) for entry in world.ledger(rotating)]
    for entry in (
        ("account.revoked", "intended"),
        ("key.withdrawn", "done"),
        ("account.canary", "done"),
    ):
        assert entry in told
    assert world.services.store.accounts.get(rotating).record.revocations.issued_before


class GoneProvider:
    """A key provider that does not answer, whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        def unreachable(*_: object, **__: object) -> None:
            raise KeyUnavailable(f"{name}: no answer")

        return unreachable


def test_a_registration_without_a_key_provider_is_completed_by_the_worker(world):
    """503, and written down; passes go on until the keys are there, then it waits for its stack."""
    account_id = AccountId.parse("313131313131")
    services = world.services
    keeping = services.reconcile.key_keeping
    broken = replace(keeping, providers=dict.fromkeys(keeping.providers, GoneProvider()))
    lost = replace(services, accounts=replace(services.accounts, key_keeping=broken))
    with world.inside_of(lost, "console") as client:
        body = {"account_id": account_id, "customer": "At a bad time"}
        assert_problem(client.post("/v1/accounts", json=body), 503, "aws_unavailable")
    begun = services.store.accounts.get(account_id).record
    assert (begun.keys, begun.next_check_at is None) == ((), False)

    still = replace(services.reconcile, key_keeping=broken)
    tried = still.run(account_id, OPERATOR, depth=Depth.FULL)
    assert tried.next_check_at is not None
    done = services.reconcile.run(account_id, OPERATOR, depth=Depth.FULL)

    assert [key.state.value for key in done.keys] == ["active", "published"]
    assert (done.state.value, done.next_check_at) == ("registered", None)
    assert published(done.issuer) == [key.kid for key in done.keys]


def test_who_may_not_and_what_is_not(world, console):
    """Roles, accounts, and a body that does not say how urgent it is."""
    assert_problem(rotate(world.over_http("auditor"), ACCOUNT, emergency=True), 403, "forbidden")
    nowhere = console.post("/v1/accounts/999999999999/key-rotation", json={"emergency": False})
    assert_problem(nowhere, 404, "not_found")
    unsaid = console.post(f"/v1/accounts/{ACCOUNT}/key-rotation", json={})
    assert_problem(unsaid, 400, "invalid_request")


def run(world: World, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(command("broker")), "keys", "orphans", *arguments],
        env=world.stage.environment,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def orphan(kms: Any) -> str:
    """A key of this broker, by its tags, of an account that nobody knows."""
    tags = {
        "ManagedBy": f"{NAME_PREFIX}-Support",
        "AccountId": "999999999999",
        "IssuerId": "0" * 32,
    }
    made = kms.create_key(
        KeyUsage="SIGN_VERIFY",
        KeySpec="ECC_NIST_P256",
        Tags=[{"TagKey": name, "TagValue": value} for name, value in tags.items()],
    )
    return str(made["KeyMetadata"]["Arn"])


def test_orphans_are_listed_and_let_go(world, kms, orphan):
    """With the broker's own permissions: what is found, what it costs, and the way out."""
    listed = json.loads(run(world, "--json").stdout)
    assert [
        (each["locator"], each["account_id"], each["state"], each["estimated_monthly_usd"])
        for each in listed["orphans"]
    ] == [(orphan, "999999999999", "enabled", 1)]
    assert listed["estimated_monthly_usd"] == 1
    table = run(world)
    assert table.returncode == 0
    assert "1 key without an account, about USD 1 a month." in table.stdout

    declined = run(world, "--schedule-deletion", answer="n\n")
    assert declined.returncode != 0
    assert kms.describe_key(KeyId=orphan)["KeyMetadata"]["KeyState"] == "Enabled"
    done = run(world, "--schedule-deletion", answer="y\n")

    assert done.returncode == 0, done.stderr
    assert kms.describe_key(KeyId=orphan)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    told = [entry for entry in world.ledger() if entry.details.get("locator") == orphan]
    assert [(entry.action, entry.outcome) for entry in told] == [
        ("key.withdrawn", "intended"),
        ("key.withdrawn", "done"),
    ]
    left = json.loads(run(world, "--json").stdout)
    assert left["estimated_monthly_usd"] == 0
    assert [each["state"] for each in left["orphans"]] == ["pending_deletion"]
    again = run(world, "--schedule-deletion", "--yes")
    assert again.returncode == 0
    assert "0 keys" in again.stderr
