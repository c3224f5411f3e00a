"""`broker accounts` as operators and their scripts meet it: every command, over the real API."""

from __future__ import annotations

import http.server
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from broker.cli.demo.stage import Customer
from tests.e2e.estate import READ_ROLE, providers, refusal
from tests.e2e.programs import Ran, run
from tests.e2e.world import METADATA, Person, World
from tests.serving import serving

COMMANDS = (
    "add",
    "list",
    "show",
    "plan",
    "sync",
    "consent",
    "bucket",
    "revoke",
    "rotate-key",
    "remove",
)


def accounts(world: World, *words: str, caller: Person | None = None, **environment: str) -> Ran:
    """The real `broker accounts`, as the console or whoever else is named."""
    own = {
        "BROKER_URL": world.stage.url,
        "BROKER_TOKEN": (caller or world.console).api_token,
        "COLUMNS": "120",
    }
    return run("broker", "accounts", *words, home=world.home, environment={**own, **environment})


def told(world: World, *words: str, caller: Person | None = None) -> Any:
    """What the command prints as JSON; it must have gone well."""
    ran = accounts(world, *words, "--json", caller=caller)
    assert (ran.status, ran.err) == (0, ""), ran.err
    return json.loads(ran.out)


def test_an_account_is_added(world: World) -> None:
    """It has the profile and consent that were asked for, and a link for the customer."""
    account_id = str(next(world.numbers))
    options = ("--customer", "Zoë & Co [bold]", "--profile", "full", "--consent", "per_grant")
    ran = accounts(world, "add", account_id, *options, "--payer")
    assert (ran.status, ran.err) == (0, "")
    account = world.console.ask("GET", f"/v1/accounts/{account_id}")
    assert (account["customer"], account["state"]) == ("Zoë & Co [bold]", "registered")
    assert (account["profile"], account["consent"], account["payer"]) == ("full", "per_grant", True)
    lines = ran.out.splitlines()
    assert f"Launch link     {account['launch_url']}" in lines
    assert "Customer        Zoë & Co [bold]" in lines
    assert "Profile         full, payer" in lines


def test_adding_again_is_refused(world: World) -> None:
    """Exit code 3, the sentence, and the code at its end."""
    ran = accounts(world, "add", METADATA, "--customer", "Again")
    assert (ran.status, ran.out) == (3, "")
    assert "registered already" in ran.err
    assert ran.err.endswith("[already_registered]\n")


def test_json_is_the_apis_answer(world: World) -> None:
    """Scripts get all of it, whatever is shown to people."""
    assert told(world, "show", METADATA) == world.console.ask("GET", f"/v1/accounts/{METADATA}")


def test_all_accounts_are_listed(world: World) -> None:
    """Also those beyond a page, and with what hinders them."""
    listed = told(world, "list")["items"]
    assert METADATA in {account["account_id"] for account in listed}
    ran = accounts(world, "list")
    assert ran.status == 0
    for account in listed:
        assert account["account_id"] in ran.out


def test_a_customer_sees_its_own(world: World) -> None:
    """And is told where it may not look."""
    own = world.customer_of(METADATA)
    listed = told(world, "list", caller=own)["items"]
    assert [account["account_id"] for account in listed] == [METADATA]
    refused = accounts(world, "sync", METADATA, caller=own)
    assert refused.status == 3
    assert refused.err.endswith("[forbidden]\n")


def test_a_plan_is_shown_and_not_carried_out(world: World, customer: Customer) -> None:
    """Each step with its reason; after `sync` there is none left."""
    account_id = customer.account["account_id"]
    iam = world.administrator("iam", customer)
    assert "Nothing is to be done" in accounts(world, "plan", account_id).out
    (arn,) = providers(iam)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    iam.delete_role_policy(RoleName=READ_ROLE, PolicyName="DeniedReads")
    ran = accounts(world, "plan", account_id)
    assert ran.out.splitlines() == [
        f"  1  CreateProvider {customer.account['issuer']}  (the identity provider is missing)",
        f"  2  PutInlinePolicy {READ_ROLE} DeniedReads  (the inline policy is missing)",
    ]
    assert len(told(world, "plan", account_id)["steps"]) == 2
    assert providers(iam) == []
    assert told(world, "sync", account_id)["state"] == "active"
    assert providers(iam) == [arn]
    assert told(world, "plan", account_id)["steps"] == []


def test_an_account_that_is_not_well_after_it_fails(world: World) -> None:
    """Exit code 1, and the reason in the account that is printed."""
    account_id = str(next(world.numbers))
    world.console.ask("POST", "/v1/accounts", {"account_id": account_id, "customer": "No stack"})
    ran = accounts(world, "sync", account_id)
    assert (ran.status, ran.err) == (1, "")
    assert "Hindered by     The management role is missing" in ran.out


def test_consent_is_the_customers(world: World, customer: Customer) -> None:
    """The vendor may not set it; the customer switches off and on."""
    account_id = customer.account["account_id"]
    refused = accounts(world, "consent", account_id, "off")
    assert (refused.status, refused.out) == (3, "")
    own = world.customer_of(account_id)
    for consent in ("off", "standing"):
        assert told(world, "consent", account_id, consent, caller=own)["consent"] == consent


def test_the_bucket_is_the_customers(world: World, customer: Customer) -> None:
    """The vendor may not name it; the customer names one, and none any more."""
    account_id = customer.account["account_id"]
    refused = accounts(world, "bucket", account_id, "evidence")
    assert (refused.status, refused.out) == (3, "")
    own = world.customer_of(account_id)
    named = told(world, "bucket", account_id, "evidence", caller=own)
    assert named["checkpoint_bucket"] == "evidence"
    assert told(world, "bucket", account_id, "--none", caller=own)["checkpoint_bucket"] is None


def test_revoking_ends_every_session(world: World, customer: Customer) -> None:
    """AWS denies what the session could do a moment ago."""
    account_id = customer.account["account_id"]
    world.ticket("T-revoked", account_id)
    opened = world.session(account_id, "T-revoked")
    ec2 = world.client("ec2", opened["credentials"])
    ec2.describe_vpcs()
    assert told(world, "revoke", account_id)["account_id"] == account_id
    assert refusal(ec2.describe_vpcs) == "UnauthorizedOperation"


def test_removal_asks_first(world: World, customer: Customer) -> None:
    """Without a yes nothing happens; with it, nothing of ours stays in the account."""
    account_id = customer.account["account_id"]
    unsure = accounts(world, "remove", account_id)
    assert (unsure.status, unsure.out) == (1, "")
    assert f"Remove {account_id}?" in unsure.err
    assert world.console.ask("GET", f"/v1/accounts/{account_id}")["state"] == "active"
    assert told(world, "remove", account_id, "--yes")["state"] in ("removing", "removed")


@dataclass
class Stub:
    """A broker that answers everything with one account, and remembers what it was asked."""

    answer: Mapping[str, Any]
    asked: list[tuple[str, str, Any]] = field(default_factory=list)


@contextmanager
def answering(stub: Stub) -> Iterator[str]:
    """The URL of a server for `stub`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            stub.asked.append((self.command, self.path, json.loads(body)))
            self.send_response(202)
            self.end_headers()
            self.wfile.write(json.dumps(stub.answer).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing on the terminal."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize(("options", "emergency"), [((), False), (("--emergency",), True)])
def test_a_rotation_is_asked_for(world: World, options: tuple[str, ...], emergency: bool) -> None:
    """By the route of the contract, saying whether it is an emergency."""
    stub = Stub(world.metadata.account)
    with answering(stub) as url:
        ran = accounts(world, "rotate-key", METADATA, *options, BROKER_URL=url)
    assert ran.status == 0, ran.err
    path = f"/v1/accounts/{METADATA}/key-rotation"
    assert stub.asked == [("POST", path, {"emergency": emergency})]


def test_an_emergency_changes_the_key_at_once(world: World, customer: Customer) -> None:
    """The staged key signs, the old one is in no JWKS any more, and the account is well again."""
    account_id = customer.account["account_id"]
    old, staged = (key["kid"] for key in customer.account["keys"])
    account = told(world, "rotate-key", account_id, "--emergency")
    states = {key["kid"]: key["state"] for key in account["keys"]}
    assert (states[old], states[staged]) == ("retired", "active")
    assert told(world, "sync", account_id)["state"] == "active"


def test_something_else_at_the_address_is_told(world: World) -> None:
    """An answer that is no account is named as what it is, and not repeated."""
    with answering(Stub({"secret": "s3cret"})) as url:
        ran = accounts(world, "rotate-key", METADATA, BROKER_URL=url)
    assert (ran.status, ran.out) == (1, "")
    assert "does not answer like a broker" in ran.err
    assert "s3cret" not in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("show", "1111-2222-3333"),
        ("show", "../tokens"),
        ("show", "\uff11" * 12),
        ("consent", METADATA, "maybe"),
        ("bucket", METADATA),
        ("bucket", METADATA, "evidence", "--none"),
        ("add", METADATA),
        ("list", "surplus"),
    ],
)
def test_wrong_usage_is_told(world: World, words: tuple[str, ...]) -> None:
    """Exit code 2, before the broker is asked: nothing but an account id gets into a path."""
    ran = accounts(world, *words, BROKER_URL="http://127.0.0.1:9")
    assert (ran.status, ran.out) == (2, "")
    assert "Error: " in ran.err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_the_exit_codes(world: World, command: str) -> None:
    """Ready to be copied."""
    ran = accounts(world, command, "--help")
    assert ran.status == 0
    assert f"\n    broker accounts {command} " in ran.out
    assert "Exit codes: 0 done, 1 failed (try again), 2 wrong usage, 3 refused." in ran.out
