"""Many at the same moment: one wins, the others are told so, and nothing is left lying about."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import boto3
import pytest

from broker.cli.demo.stage import VENDOR_ACCOUNT
from broker.domain.accounts import Account
from broker.domain.ledger.entries import chain_of, verify
from broker.domain.ports import ManagedAccount, ManagementRole
from broker.wiring import Services
from tests.integration.api.parallel import at_once
from tests.integration.api.world import ACCOUNT, ENGINEER, World, assert_problem

NEW, CHANGED = "600000000001", "600000000002"
"""Accounts of a test alone."""


def outcomes(answers: list[Any]) -> Counter[str]:
    """How often each status was answered, or each code of a problem."""
    return Counter(
        str(answer.status_code) if answer.is_success else answer.json()["code"]
        for answer in answers
    )


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


def key_ids(kms: Any) -> set[str]:
    """Every KMS key of the vendor."""
    parts = kms.get_paginator("list_keys").paginate()
    return {key["KeyId"] for part in parts for key in part["Keys"]}


def test_of_fifty_registrations_one_succeeds(world: World, kms: Any) -> None:
    """One 201, 49 times 409, and two keys are made in KMS, no more."""
    console = world.over_http("console")
    before = key_ids(kms)
    body = {"account_id": NEW, "customer": "In a hurry"}
    answers = at_once([lambda: console.post("/v1/accounts", json=body)] * 50)
    assert outcomes(answers) == {"201": 1, "already_registered": 49}
    account = next(answer.json() for answer in answers if answer.is_success)
    assert console.get(f"/v1/accounts/{NEW}").json() == account
    entries = world.ledger(NEW)
    first, second = (key["kid"] for key in account["keys"])
    assert [(entry.action, entry.ids.get("kid")) for entry in entries] == [
        ("account.registered", None),
        ("key.staged", first),
        ("key.activated", first),
        ("key.staged", second),
    ]

    stored = world.services.store.accounts.get(chain_of(NEW))
    owned = {key.reference.locator.rpartition("/")[2] for key in stored.record.keys}
    assert key_ids(kms) - before == owned
    assert len(owned) == 2


class Held:
    """A way into customers' accounts that stays shut until it is opened."""

    def __init__(self, behind: ManagementRole) -> None:
        self._behind = behind
        self.entered = threading.Event()
        self.open = threading.Event()

    def assume(self, account: Account) -> ManagedAccount:
        self.entered.set()
        assert self.open.wait(10)
        return self._behind.assume(account)


def test_of_twenty_reconciliations_one_runs(world: World, services: Services) -> None:
    """While it does, the others are told so, on whichever process they ask."""
    held = Held(services.reconcile.management)
    slow = replace(services, reconcile=replace(services.reconcile, management=held))
    path = f"/v1/accounts/{ACCOUNT}/reconciliation"
    console = world.over_http("console")
    before = len(world.ledger(ACCOUNT))
    first: list[Any] = []
    with world.inside_of(slow, "console") as client:
        thread = threading.Thread(target=lambda: first.append(client.post(path)))
        thread.start()
        try:
            assert held.entered.wait(10)
            answers = at_once([lambda: console.post(path)] * 10)
            answers += at_once([lambda: client.post(path)] * 9)
        finally:
            held.open.set()
            thread.join()
    for answer in answers:
        assert_problem(answer, 409, "reconciliation_running")
    assert first[0].status_code == 202
    new = world.ledger(ACCOUNT)[before:]
    assert {entry.ids["request"] for entry in new} == {first[0].headers["X-Request-Id"]}


def test_of_twenty_changes_of_one_version_one_wins(world: World) -> None:
    """If-Match: the version moves once, and so does the ledger."""
    client = world.over_http("admin")
    path = f"/v1/accounts/{CHANGED}"
    client.post("/v1/accounts", json={"account_id": CHANGED, "customer": "In a hurry"})
    read = client.get(path)
    wanted = not read.json()["payer"]
    before = world.ledger(CHANGED)
    headers = {"If-Match": read.headers["ETag"]}
    answers = at_once([lambda: client.patch(path, json={"payer": wanted}, headers=headers)] * 20)
    assert outcomes(answers) == {"200": 1, "stale_version": 19}
    assert client.get(path).json()["payer"] is wanted
    assert client.get(path).headers["ETag"] != read.headers["ETag"]
    assert [entry.action for entry in world.ledger(CHANGED)[len(before) :]] == ["account.changed"]


def test_sessions_at_the_same_moment_keep_one_chain(world: World) -> None:
    """Two processes write it: no entry is lost or doubled."""
    clients = [world.over_http(ENGINEER), world.inside(ENGINEER)]
    answers = at_once([lambda n=n: world.session(clients[n % 2]) for n in range(24)])
    assert outcomes(answers) == {"201": 24}
    sessions = {answer.json()["session"]["id"] for answer in answers}
    entries = world.ledger(ACCOUNT)
    verify(entries, chain=chain_of(ACCOUNT))
    done = Counter(
        entry.ids["session"]
        for entry in entries
        if entry.action == "session.opened" and entry.outcome == "done"
    )
    assert {session: done[session] for session in sessions} == dict.fromkeys(sessions, 1)
