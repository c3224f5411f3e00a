"""Promise 3, proved in a running account: what is really attached there, and what it comes to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from broker.cli.demo.stage import Customer
from tests.e2e.estate import AWS_MANAGED, CASE_ROLE, MANAGEMENT_ROLE, READ_ROLE
from tests.e2e.world import FULL, METADATA, World

ADMINISTRATOR = f"{AWS_MANAGED}/AdministratorAccess"
CASE_WRITES = [
    "support:AddAttachmentsToSet",
    "support:AddCommunicationToCase",
    "support:CreateCase",
    "support:ResolveCase",
]


def document(*actions: str) -> str:
    """A policy that allows these actions everywhere."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def proof_of(world: World, customer: Customer) -> Mapping[str, Any]:
    """The proof as the customer asks for it, with the ledger's entry checked against it."""
    account_id = customer.account["account_id"]
    proof = world.customer_of(account_id).ask("GET", f"/v1/accounts/{account_id}/proof")
    entry = world.ledger(account_id)[-1]
    good = proof["verdict"] == "read_only"
    assert (entry["actor"], entry["action"]) == ("the-customer", "account.proved")
    assert (entry["outcome"], entry["reason"]) == ("done" if good else "failed", proof["verdict"])
    assert entry["details"]["digest"] == proof["digest"]
    assert entry["details"]["reasons"] == proof["reasons"]
    return dict(proof)


def role_in(proof: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What the proof says of one role."""
    found: Mapping[str, Any] = next(role for role in proof["roles"] if role["role"] == name)
    return found


@pytest.mark.parametrize("account_id", [METADATA, FULL])
def test_an_onboarded_account_is_read_only(world: World, account_id: str) -> None:
    """Either profile, payer or not: nothing above reading but support cases, and no difference."""
    customer = world.metadata if account_id == METADATA else world.full
    proof = proof_of(world, customer)
    assert (proof["verdict"], proof["reasons"], proof["findings"]) == ("read_only", [], [])
    assert role_in(proof, CASE_ROLE)["above_reading"] == CASE_WRITES
    read = role_in(proof, READ_ROLE)
    assert (read["above_reading"], read["broken_promises"]) == ([], [])
    assert read["counts"]["Read"] == len(read["actions"]["Read"]) > 1000
    assert ("s3:GetObject" in read["actions"]["Read"]) == (account_id == FULL)


def test_what_a_proof_says_a_session_may_do_it_may(world: World) -> None:
    """And what it leaves out AWS refuses: the proof is held against a real session."""
    proof = proof_of(world, world.full)
    actions = {name for names in role_in(proof, READ_ROLE)["actions"].values() for name in names}
    assert "organizations:DescribeOrganization" in actions
    assert "ssm:GetParameter" not in actions
    credentials = world.session(FULL)["credentials"]
    assert world.client("organizations", credentials).describe_organization()
    ssm = world.client("ssm", credentials)
    with pytest.raises(ssm.exceptions.ClientError, match="AccessDenied"):
        ssm.get_parameter(Name="licence")


def test_administrator_access_is_held_back_by_the_boundary(
    world: World, customer: Customer
) -> None:
    """The customer's own administrator attaches it: told, and still without effect."""
    iam = world.administrator("iam", customer)
    iam.attach_role_policy(RoleName=READ_ROLE, PolicyArn=ADMINISTRATOR)
    proof = proof_of(world, customer)
    assert (proof["verdict"], proof["reasons"]) == ("read_only", [])
    assert proof["findings"] == [
        f"a policy that is not ours was attached: DetachPolicy {READ_ROLE} AdministratorAccess"
    ]
    iam.delete_role_permissions_boundary(RoleName=READ_ROLE)
    uncapped = proof_of(world, customer)
    assert uncapped["verdict"] == "violated"
    assert uncapped["reasons"][0].startswith(f"{READ_ROLE} has no permissions boundary")
    assert "iam:CreateUser" in role_in(uncapped, READ_ROLE)["above_reading"]
    world.reconcile(customer.account["account_id"])
    mended = proof_of(world, customer)
    assert (mended["verdict"], mended["findings"]) == ("read_only", [])


def test_data_that_can_be_read_breaks_the_promise(world: World, customer: Customer) -> None:
    """Our Deny deleted and an Allow of the customer's data put in: told by action."""
    iam = world.administrator("iam", customer)
    iam.put_role_policy(
        RoleName=READ_ROLE, PolicyName="Extra", PolicyDocument=document("s3:GetObject")
    )
    assert proof_of(world, customer)["verdict"] == "read_only"
    iam.delete_role_policy(RoleName=READ_ROLE, PolicyName="DeniedReads")
    proof = proof_of(world, customer)
    assert proof["verdict"] == "violated"
    assert "s3:GetObject" in role_in(proof, READ_ROLE)["broken_promises"]
    assert any("promises to deny" in reason for reason in proof["reasons"])


def test_a_policy_of_the_customers_own_is_not_ours_to_read(
    world: World, customer: Customer
) -> None:
    """Whatever it says: what was not read is not proven."""
    iam = world.administrator("iam", customer)
    made = iam.create_policy(PolicyName="Own", PolicyDocument=document("s3:PutObject"))
    iam.attach_role_policy(RoleName=READ_ROLE, PolicyArn=made["Policy"]["Arn"])
    proof = proof_of(world, customer)
    assert proof["verdict"] == "unproven"
    assert proof["reasons"] == [f"Own of {READ_ROLE} could not be read."]


def test_consent_off_leaves_nothing_effective(world: World, customer: Customer) -> None:
    """The customer's word, as the proof sees it."""
    account_id = customer.account["account_id"]
    path = f"/v1/accounts/{account_id}"
    world.customer_of(account_id).ask("PATCH", path, {"consent": "off"})
    proof = proof_of(world, customer)
    assert proof["verdict"] == "read_only"
    assert [role["actions"] for role in proof["roles"]] == [{}, {}]


def test_where_the_management_role_is_gone_there_is_no_proof(
    world: World, customer: Customer
) -> None:
    """A refusal with its reason, and an entry that says so: never a pass, never silence."""
    iam = world.administrator("iam", customer)
    for name in iam.list_role_policies(RoleName=MANAGEMENT_ROLE)["PolicyNames"]:
        iam.delete_role_policy(RoleName=MANAGEMENT_ROLE, PolicyName=name)
    account_id = customer.account["account_id"]
    answer = world.auditor.http.get(f"/v1/accounts/{account_id}/proof")
    assert (answer.status_code, answer.json()["code"]) == (502, "refused_by_aws")
    entry = world.ledger(account_id)[-1]
    assert (entry["action"], entry["outcome"]) == ("account.proved", "failed")
    assert entry["reason"] == "refused_by_aws"
    ran = world.broker_prove(account_id)
    assert (ran.status, ran.out) == (1, "")


def test_the_table_is_for_people(world: World) -> None:
    """Counts per level and role, support cases by name, the verdict; exit code 0."""
    ran = world.broker_prove(METADATA)
    assert (ran.status, ran.err) == (0, "")
    assert re.search(r"│ Write +│ +4 │ +0 │", ran.out), ran.out
    assert f"{CASE_ROLE}, above reading:\n" + "".join(f"  {each}\n" for each in CASE_WRITES) in (
        ran.out
    )
    assert "Verdict: read only\n" in ran.out
    assert "Differs from" not in ran.out


def test_proofs_are_kept_and_compared(world: World, customer: Customer, tmp_path: Path) -> None:
    """`--json` is what `--compare` takes; what changed in between is told, and only that."""
    account_id = customer.account["account_id"]
    ran = world.broker_prove(account_id, "--json")
    assert ran.status == 0, ran.err
    kept = tmp_path / "proof.json"
    kept.write_text(ran.out, "utf-8")
    again = world.broker_prove(account_id, "--compare", str(kept))
    assert (again.status, again.out.splitlines()[-1]) == (
        0,
        "Nothing has changed since the earlier proof.",
    )
    iam = world.administrator("iam", customer)
    iam.delete_role_policy(RoleName=READ_ROLE, PolicyName="DeniedReads")
    changed = world.broker_prove(account_id, "--json", "--compare", str(kept))
    assert changed.status == 3, changed.err
    assert json.loads(changed.out)["verdict"] == "violated"
    assert changed.err.startswith("Since the earlier proof: read only, now VIOLATED.\n")
    assert f"{READ_ROLE} gained:\n" in changed.err
    assert "  codepipeline:GetJobDetails\n" in changed.err
    assert CASE_ROLE not in changed.err
    table = world.broker_prove(account_id)
    assert table.status == 3
    assert "Verdict: VIOLATED\n" in table.out
    assert f"{READ_ROLE}, promised to be denied:\n" in table.out


@pytest.mark.parametrize("spoil", ["not JSON", "changed", "another account"])
def test_a_kept_proof_must_be_one(world: World, tmp_path: Path, spoil: str) -> None:
    """A file that is none, was edited since, or is of another account: wrong usage, 2."""
    of = FULL if spoil == "another account" else METADATA
    text = world.broker_prove(of, "--json").out
    if spoil == "not JSON":
        text = text[:-10]
    if spoil == "changed":
        text = text.replace('"ec2:DescribeInstances",', "", 1)
    kept = tmp_path / "proof.json"
    kept.write_text(text, "utf-8")
    ran = world.broker_prove(METADATA, "--compare", str(kept))
    assert ran.status == 2
    said = "nothing to compare" if spoil == "another account" else "is not a proof"
    assert said in ran.err


def test_who_may_not_ask_is_refused(world: World) -> None:
    """An engineer has no proof to ask for; exit code 3 and the reason."""
    ran = world.broker_prove(METADATA, BROKER_TOKEN=world.engineer.api_token)
    assert (ran.status, ran.out) == (3, "")
    assert "[forbidden]" in ran.err
