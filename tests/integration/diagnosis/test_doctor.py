"""The doctor on a running broker: whatever is broken by hand is named, with its mend."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import httpx
import pytest

from broker import settings
from broker.cli.demo.stage import NAME_PREFIX, VENDOR_ACCOUNT, Customer, Stage, command, free_port
from broker.cli.operator import operators_call
from broker.domain.diagnosis import CheckStatus, Diagnosis
from broker.domain.identifiers import AccountId
from broker.sandbox.process import Keys
from broker.services.diagnosis.doctoring import Doctor
from broker.services.observations import Unobserved
from broker.wiring import Services, build
from tests.json_web_signatures import holds_jws

READ, CASE = f"{NAME_PREFIX}-Support-ReadOnly", f"{NAME_PREFIX}-Support-Cases"
TRUST = f"trust policy of {READ}"
OK, WARNING, FAILED, NOT_RUN = (
    CheckStatus.OK,
    CheckStatus.WARNING,
    CheckStatus.FAILED,
    CheckStatus.NOT_RUN,
)
OF_AWS = ("arn:aws", "Not authorized", "not authorized", "InvalidIdentityToken", "NoSuchEntity")
"""What only AWS's own texts would bring along."""

Expected = Mapping[str, tuple[CheckStatus, str]]


@dataclass(kw_only=True)
class Ward:
    """The stage, a second broker's services in this process, and customers to break things at."""

    stage: Stage
    services: Services
    console: httpx.Client
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(500000000001))

    def onboard(self) -> Customer:
        """A customer of the test's own, whose keys some process may not publish yet."""
        return self.stage.onboard(self.console, str(next(self.numbers)))

    @property
    def doctor(self) -> Doctor:
        """The doctor, without a wait for roles that are refused."""
        made = self.services.doctor
        canaries = replace(made.enforcement.canaries, waits=())
        return replace(made, enforcement=replace(made.enforcement, canaries=canaries))

    def diagnosed(self, customer: Customer, doctor: Doctor | None = None) -> Diagnosis:
        """What the doctor says of the customer's account."""
        account_id = AccountId.parse(customer.account["account_id"])
        checks = (doctor or self.doctor).examine(account_id, operators_call())
        diagnosis = Diagnosis(tuple(checks))
        assert_discreet(json.dumps([str(check) for check in diagnosis.checks]), customer)
        return diagnosis

    def client(self, service: str, keys: Keys) -> Any:
        """A boto3 client with somebody's own keys."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name="us-east-1",
            endpoint_url=self.stage.sandbox.url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The real `broker doctor`, where the settings are."""
        return subprocess.run(
            [str(command("broker")), "doctor", *words],
            env={**self.stage.environment, **environment},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """One world for all tests here."""
    # A worker might mend what is broken here before the doctor has seen it.
    undisturbed = {"BROKER_SERVE_WORKER": "false"}
    with (
        Stage(tmp_path_factory.mktemp("ward") / "stage", settings=undisturbed) as stage,
        pytest.MonkeyPatch.context() as environment,
        stage.client(stage.api_token("console", "console")) as console,
    ):
        for name, value in stage.environment.items():
            if name.startswith("AWS_"):
                environment.setenv(name, value)
        services = build(settings.load(stage.environment), Unobserved())
        yield Ward(stage=stage, services=services, console=console)
        services.close()


def assert_discreet(text: str, customer: Customer) -> None:
    """No text of AWS's, no secret: not the ExternalId, no token, no key."""
    assert not [part for part in OF_AWS if part in text]
    assert customer.account["external_id"] not in text
    assert customer.administrator.secret_access_key not in text
    assert not holds_jws(text)


def not_well(diagnosis: Diagnosis) -> dict[str, tuple[CheckStatus, str]]:
    """All checks but those that are well, each of which says what it means and how to mend it."""
    found = {}
    for check in diagnosis.checks:
        if check.status is not OK:
            assert check.meaning, check
            assert check.mend, check
            found[check.name] = (check.status, check.found)
    return found


def assert_exactly(diagnosis: Diagnosis, expected: Expected) -> None:
    """These checks are not well, for these reasons, and every other one is."""
    found = not_well(diagnosis)
    assert found.keys() == expected.keys(), found
    for name, (status, part) in expected.items():
        assert found[name][0] is status, found[name]
        assert part in found[name][1], found[name]


def test_a_healthy_account(ward: Ward) -> None:
    """Everything is checked, all of it is well, and scripts see that by the status."""
    customer = ward.onboard()
    account_id = customer.account["account_id"]
    ran = ward.run(account_id, "--json")
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    answer = json.loads(ran.stdout)
    assert answer["verdict"] == "ok", ran.stdout
    assert {check["status"] for check in answer["checks"]} == {"ok"}
    assert [check["name"] for check in answer["checks"]] == [
        *("settings", "store", "AWS credentials", "clock", "account", "active key", "staged key"),
        *("discovery document", "published keys", "management role", "ExternalId"),
        *("identity provider", TRUST, f"boundary of {READ}"),
        *(f"trust policy of {CASE}", f"boundary of {CASE}", "everything else in the account"),
        *("canary of the read role", "negative canaries of the read role"),
        *("canary of the case role", "negative canaries of the case role"),
    ]
    assert_discreet(ran.stdout, customer)


def test_the_table_is_for_people(ward: Ward) -> None:
    """A row a check, and a sentence that sums up."""
    ran = ward.run(ward.onboard().account["account_id"])
    assert ran.returncode == 0, ran.stdout
    assert "canary of the read role" in ran.stdout
    assert ran.stdout.endswith("\nAll 21 checks are well.\n")


def test_the_broker_alone(ward: Ward) -> None:
    """Without an account there is no exchange, but a look at an issuer that stands for all."""
    ward.onboard()
    ran = ward.run("--json")
    assert ran.returncode == 0, ran.stdout
    names = [check["name"] for check in json.loads(ran.stdout)["checks"]]
    assert names[:4] == ["settings", "store", "AWS credentials", "clock"]
    assert "published keys" in names
    assert not [name for name in names if "canar" in name or "role" in name]


def test_over_the_api_it_is_the_same(ward: Ward) -> None:
    """`--remote` asks the running broker, and needs to know where it is and who asks."""
    account_id = ward.onboard().account["account_id"]
    token = ward.stage.api_token("auditor", "auditor")
    there = {"BROKER_URL": ward.stage.url, "BROKER_TOKEN": token}
    here = json.loads(ward.run(account_id, "--json").stdout)
    remote = ward.run(account_id, "--remote", "--json", **there)
    assert remote.returncode == 0, remote.stdout + remote.stderr
    answered = json.loads(remote.stdout)
    assert [check["name"] for check in answered["checks"]] == [
        check["name"] for check in here["checks"]
    ]
    assert ward.run("--remote", **there).returncode == 2
    assert ward.run(account_id, "--remote").returncode == 2
    unknown = ward.run("999999999999", "--remote", **there)
    assert (unknown.returncode, unknown.stdout) == (3, "")
    assert "[not_found]" in unknown.stderr


def test_its_exchanges_are_in_the_ledger(ward: Ward) -> None:
    """Written down before they are tried, and with what became of them."""
    customer = ward.onboard()
    ward.diagnosed(customer)
    with ward.stage.client(ward.stage.api_token("auditor", "auditor")) as auditor:
        query = {"account_id": customer.account["account_id"], "limit": "200"}
        entries = auditor.get("/v1/ledger", params=query).raise_for_status().json()["items"]
    intended, done = [entry for entry in entries if entry["reason"] == "doctor"]
    assert (intended["outcome"], done["outcome"]) == ("intended", "done")
    assert intended["action"] == done["action"] == "account.canary"
    assert intended["actor"].startswith("operator:")
    assert len(done["details"]["ran"]) == 18
    assert done["details"]["failed"] == []


Spoil = Callable[[Any, Customer], object]


def edit_trust(change: Callable[[Any, str], object]) -> Spoil:
    """Change the read role's trust policy, as the customer's administrator could."""

    def spoil(iam: Any, customer: Customer) -> None:
        trust = iam.get_role(RoleName=READ)["Role"]["AssumeRolePolicyDocument"]
        change(trust["Statement"][0]["Condition"], customer.account["issuer"].split("://")[1])
        iam.update_assume_role_policy(RoleName=READ, PolicyDocument=json.dumps(trust))

    return spoil


def slash_in_the_key(condition: Any, issuer: str) -> None:
    """As many a tutorial has it."""
    equals = condition["StringEquals"]
    equals[f"{issuer}/:sub"] = equals.pop(f"{issuer}:sub")


def upper_case_in_the_key(condition: Any, issuer: str) -> None:
    """IAM reads keys without their case."""
    equals = condition["StringEquals"]
    equals[f"{issuer}:SUB"] = equals.pop(f"{issuer}:sub")


def upper_case_in_the_subject(condition: Any, issuer: str) -> None:
    """But not values."""
    equals = condition["StringEquals"]
    equals[f"{issuer}:sub"] = equals[f"{issuer}:sub"].upper()


def wildcard(condition: Any, issuer: str) -> None:
    """Under StringEquals it is a character like any other."""
    condition["StringEquals"][f"{issuer}:sub"] = "support:*"


def not_pinned(condition: Any, issuer: str) -> None:
    """Sessions still open, and so they do for tokens that name no role."""
    del issuer, condition["Bool"]


def no_ticket(condition: Any, issuer: str) -> None:
    """The one condition that everything here is about."""
    del issuer, condition["StringLike"]["aws:RequestTag/Ticket"]


def provider_of(customer: Customer) -> str:
    """The ARN of the customer's identity provider."""
    issuer = customer.account["issuer"].split("://")[1]
    return f"arn:aws:iam::{customer.account['account_id']}:oidc-provider/{issuer}"


def no_audience(iam: Any, customer: Customer) -> None:
    """The provider's client id."""
    iam.remove_client_id_from_open_id_connect_provider(
        OpenIDConnectProviderArn=provider_of(customer), ClientID="sts.amazonaws.com"
    )


def no_provider(iam: Any, customer: Customer) -> None:
    """The provider itself."""
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider_of(customer))


def no_role(iam: Any, customer: Customer) -> None:
    """The read role, with all that it holds."""
    del customer
    for policy in iam.list_attached_role_policies(RoleName=READ)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=READ, PolicyArn=policy["PolicyArn"])
    for name in iam.list_role_policies(RoleName=READ)["PolicyNames"]:
        iam.delete_role_policy(RoleName=READ, PolicyName=name)
    iam.delete_role(RoleName=READ)


def no_boundary(iam: Any, customer: Customer) -> None:
    """What caps the read role."""
    del customer
    iam.delete_role_permissions_boundary(RoleName=READ)


def no_denials(iam: Any, customer: Customer) -> None:
    """The inline policy that keeps customer data out of reach."""
    del customer
    iam.delete_role_policy(RoleName=READ, PolicyName="DeniedReads")


def any_external_id(iam: Any, customer: Customer) -> None:
    """The management role's condition."""
    del customer
    name = f"{NAME_PREFIX}_Management_Role_DO-NOT-DELETE"
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    del trust["Statement"][0]["Condition"]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))


def refused(access: str) -> dict[str, tuple[CheckStatus, str]]:
    """What follows where AWS refuses a good token."""
    return {
        f"canary of the {access} role": (FAILED, "AWS refused it (refused_by_aws)."),
        f"negative canaries of the {access} role": (NOT_RUN, "refuses a good token too"),
    }


BROKEN: Mapping[str, tuple[Spoil, Expected]] = {
    "slash in the key": (
        edit_trust(slash_in_the_key),
        {TRUST: (FAILED, "for the subject has a trailing slash"), **refused("read")},
    ),
    "upper case in the key": (
        edit_trust(upper_case_in_the_key),
        {TRUST: (WARNING, "in another letter case")},
    ),
    "upper case in the subject": (
        edit_trust(upper_case_in_the_subject),
        {TRUST: (FAILED, "The subject is in another letter case"), **refused("read")},
    ),
    "wildcard": (
        edit_trust(wildcard),
        {TRUST: (FAILED, 'wildcard under StringEquals: "support:*"'), **refused("read")},
    ),
    "not pinned": (
        edit_trust(not_pinned),
        {
            TRUST: (FAILED, "The role is not pinned"),
            "negative canaries of the read role": (
                FAILED,
                "AWS accepted a token pinned to no role.",
            ),
        },
    ),
    "no ticket": (
        edit_trust(no_ticket),
        {
            TRUST: (FAILED, "The condition for the ticket is missing"),
            "negative canaries of the read role": (
                FAILED,
                "AWS accepted a token without the ticket tag.",
            ),
        },
    ),
    "no audience": (
        no_audience,
        {
            "identity provider": (FAILED, "Our audience is not among its client ids"),
            **refused("read"),
            **refused("case"),
        },
    ),
    "no provider": (
        no_provider,
        {
            "identity provider": (FAILED, "There is none for our issuer."),
            **refused("read"),
            **refused("case"),
        },
    ),
    "no role": (
        no_role,
        {TRUST: (FAILED, "The role does not exist."), **refused("read")},
    ),
    "no boundary": (
        no_boundary,
        {f"boundary of {READ}": (FAILED, "There is none, where ReadOnlyAccess should be.")},
    ),
    "no denials": (
        no_denials,
        {"everything else in the account": (FAILED, f"PutInlinePolicy {READ} DeniedReads")},
    ),
    "any ExternalId": (
        any_external_id,
        {"ExternalId": (FAILED, "lets us in with any ExternalId")},
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_in_the_account_is_named(ward: Ward, name: str) -> None:
    """That, what follows from it, and nothing else."""
    spoil, expected = BROKEN[name]
    customer = ward.onboard()
    spoil(ward.client("iam", customer.administrator), customer)
    assert_exactly(ward.diagnosed(customer), expected)


def test_without_the_management_role(ward: Ward) -> None:
    """What cannot be looked at is no pass, and what can be is still looked at."""
    customer = ward.onboard()
    ward.stage.sandbox.delete_stack(customer.account["account_id"])
    hidden = (NOT_RUN, "The management role is missing")
    assert_exactly(
        ward.diagnosed(customer),
        {
            "management role": (FAILED, "missing in the customer's account, or it refuses us"),
            "ExternalId": (NOT_RUN, "tells nothing"),
            "identity provider": hidden,
            TRUST: hidden,
            f"boundary of {READ}": hidden,
            f"trust policy of {CASE}": hidden,
            f"boundary of {CASE}": hidden,
            "everything else in the account": hidden,
        },
    )


def test_a_disabled_key(ward: Ward) -> None:
    """The key is named, and the exchanges that it cannot sign are no pass."""
    customer = ward.onboard()
    stored = ward.services.store.accounts.get(AccountId.parse(customer.account["account_id"]))
    assert stored is not None
    active = next(key for key in stored.record.keys if key.state == "active")
    administrator = ward.stage.sandbox.create_account(VENDOR_ACCOUNT)
    ward.client("kms", administrator).disable_key(KeyId=active.reference.locator)
    unsigned = (NOT_RUN, "The account's signing key cannot be used")
    assert_exactly(
        ward.diagnosed(customer),
        {
            "active key": (FAILED, "The key provider says that it is disabled."),
            **{
                f"{what} of the {access} role": unsigned
                for what in ("canary", "negative canaries")
                for access in ("read", "case")
            },
        },
    )


def test_switched_off_by_the_customer(ward: Ward) -> None:
    """What the customer took away meanwhile is intent; no exchange is tried against it."""
    customer = ward.onboard()
    account_id = customer.account["account_id"]
    token = ward.stage.api_token("customer", "customer", accounts=(account_id,))
    with ward.stage.client(token) as own:
        own.patch(f"/v1/accounts/{account_id}", json={"consent": "off"}).raise_for_status()
    no_provider(ward.client("iam", customer.administrator), customer)
    assert_exactly(ward.diagnosed(customer), {"canaries": (NOT_RUN, "has switched access off")})


def test_an_account_that_is_gone(ward: Ward) -> None:
    """Nothing of ours should be there, so nothing is looked for."""
    customer = ward.onboard()
    path = f"/v1/accounts/{customer.account['account_id']}"
    removed = ward.console.delete(path).raise_for_status().json()
    assert_exactly(ward.diagnosed(customer), {"account": (NOT_RUN, f"It is {removed['state']}")})


def test_an_issuer_of_another_place_is_not_fetched(ward: Ward) -> None:
    """The doctor asks the configured host, whatever a record says."""
    customer = ward.onboard()
    elsewhere = replace(ward.doctor.publication, issuer_base="https://moved.example")
    diagnosis = ward.diagnosed(customer, replace(ward.doctor, publication=elsewhere))
    assert_exactly(
        diagnosis,
        {
            "discovery document": (FAILED, "is not under https://moved.example"),
            "published keys": (NOT_RUN, "somewhere else"),
        },
    )


def test_an_account_that_is_not_registered(ward: Ward) -> None:
    """It is told how to register it."""
    ran = ward.run("999999999999", "--json")
    assert ran.returncode == 1
    *well, account = json.loads(ran.stdout)["checks"]
    assert {check["status"] for check in well} == {"ok"}
    assert account["status"] == "failed"
    assert "broker accounts add 999999999999" in account["mend"]


def test_no_account_id_at_all(ward: Ward) -> None:
    """Wrong usage, before anything is looked at."""
    ran = ward.run("my-account")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "twelve digits" in ran.stderr


def test_what_is_not_well_is_explained_in_the_table(ward: Ward) -> None:
    """What it means and how to mend it stand below what was found."""
    url = f"redis://127.0.0.1:{free_port()}"
    ran = ward.run(BROKER_STORE_URL=url, COLUMNS="200")
    assert ran.returncode == 1
    assert re.search(r"FAILED +store +It does not answer\. *\n +Means: ", ran.stdout)
    assert "Mend: Start it, or correct BROKER_STORE_URL." in ran.stdout
    assert re.search(r"NOT RUN +issuer +The store does not answer", ran.stdout)
    assert ran.stdout.endswith("\nOf 5 checks, 1 failed, 1 could not be made.\n")


def test_settings_that_are_wrong(ward: Ward) -> None:
    """All of their problems are one failed check; no value is repeated."""
    ran = ward.run("--json", BROKER_VENDOR_ACCOUNT_ID="hunter2", BROKER_STROE_URL="x")
    assert ran.returncode == 1
    (check,) = json.loads(ran.stdout)["checks"]
    assert (check["name"], check["status"]) == ("settings", "failed")
    assert "BROKER_STROE_URL" in check["found"]
    assert "BROKER_VENDOR_ACCOUNT_ID" in check["found"]
    assert "hunter2" not in ran.stdout + ran.stderr


def test_credentials_that_aws_does_not_take(ward: Ward) -> None:
    """AWS's code is told, and the clock is compared all the same: a refusal has a time too."""
    ran = ward.run("--json", AWS_SECRET_ACCESS_KEY="x" * 40)
    assert ran.returncode == 1
    checks = {check["name"]: check for check in json.loads(ran.stdout)["checks"]}
    assert checks["AWS credentials"]["status"] == "failed"
    assert "(SignatureDoesNotMatch)" in checks["AWS credentials"]["found"]
    assert checks["clock"]["status"] == "ok"


def test_a_store_that_is_down(ward: Ward) -> None:
    """The store is named; the account cannot be read, so nothing is said of it."""
    account_id = ward.onboard().account["account_id"]
    url = f"redis://:hunter2@127.0.0.1:{free_port()}"
    ran = ward.run(account_id, "--json", BROKER_STORE_URL=url)
    assert ran.returncode == 1
    checks = {check["name"]: check["status"] for check in json.loads(ran.stdout)["checks"]}
    assert checks == {
        "settings": "ok",
        "store": "failed",
        "AWS credentials": "ok",
        "clock": "ok",
        "account": "not_run",
    }
    assert "hunter2" not in ran.stdout + ran.stderr


def test_a_broker_that_does_not_serve(ward: Ward) -> None:
    """The doctor works on the machine without it, and says that AWS finds no keys."""
    customer = ward.onboard()
    account_id = customer.account["account_id"]
    ward.stage.stop_broker()
    try:
        ran = ward.run(account_id, "--json")
    finally:
        ward.stage.start_broker()
    assert ran.returncode == 1
    checks = {check["name"]: check for check in json.loads(ran.stdout)["checks"]}
    for name in ("discovery document", "published keys"):
        assert checks[name]["status"] == "failed"
        assert checks[name]["found"] == "No connection to it could be made."
        assert "broker serve" in checks[name]["mend"]
    assert checks["identity provider"]["status"] == "ok"
    assert_discreet(ran.stdout, customer)
