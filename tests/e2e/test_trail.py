"""The customer's trail: what a session did, and who came in behind the broker's back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.minting import support_role
from tests.e2e.programs import Ran, run
from tests.e2e.world import Person, World


@dataclass(frozen=True)
class Office:
    """An account of the test's own with a ticket, and people at their shells."""

    world: World
    account: Mapping[str, Any]
    account_id: str
    ticket: str

    def broker(self, *words: str, caller: Person | None = None) -> Ran:
        """The real command, as the auditor or whoever else is named."""
        environment = {
            "BROKER_URL": self.world.stage.url,
            "BROKER_TOKEN": (caller or self.world.auditor).api_token,
            "COLUMNS": "200",
        }
        return run("broker", *words, home=self.world.home, environment=environment)

    def opened(self, **asked: Any) -> Mapping[str, Any]:
        """A session that the engineer opens."""
        return self.world.session(self.account_id, self.ticket, **asked)

    def aws(self, session: Mapping[str, Any], *words: str) -> Ran:
        """The real AWS CLI with a session's credentials."""
        given = session["credentials"]
        keys = {
            "AWS_ACCESS_KEY_ID": given["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": given["secret_access_key"],
            "AWS_SESSION_TOKEN": given["session_token"],
        }
        return self.world.aws(keys, *words)

    def reconciled(self, *words: str) -> Ran:
        """`broker ledger reconcile` for the account."""
        return self.broker("ledger", "reconcile", "--account", self.account_id, *words)

    def forged(self, name: str) -> Mapping[str, Any]:
        """What AWS gives for a token that the vendor's own operator signed without the broker."""
        answer = self.world.client("sts").assume_role_with_web_identity(
            RoleArn=support_role(self.account),
            RoleSessionName=name,
            WebIdentityToken=self.world.mint.token(self.account),
        )
        return dict(answer["Credentials"])


def office_in(world: World) -> Office:
    """An account in which nothing has happened yet but its onboarding, and a ticket for it."""
    account = world.onboard().account
    account_id = str(account["account_id"])
    return Office(world, account, account_id, world.ticket(f"TR-{account_id}", account_id))


@pytest.fixture(scope="module")
def office(world: World) -> Office:
    """An account in which everything goes through the broker."""
    return office_in(world)


@pytest.fixture(scope="module")
def haunted(world: World) -> Office:
    """An account in which not everything does."""
    return office_in(world)


def test_what_a_session_did_is_listed_and_a_refused_write_is_marked(office: Office) -> None:
    """Session, AWS CLI, `broker sessions activity`: three reads, one of them in another Region."""
    session = office.opened()
    assert office.aws(session, "ec2", "describe-instances").status == 0
    assert office.aws(session, "--region", "eu-west-1", "ec2", "describe-vpcs").status == 0
    refused = office.aws(session, "ec2", "create-vpc", "--cidr-block", "10.0.0.0/16")
    assert "UnauthorizedOperation" in refused.err
    other = office.opened()
    assert office.aws(other, "iam", "list-roles").status == 0

    session_id = session["session"]["id"]
    ran = office.broker("sessions", "activity", session_id, "--region", "eu-west-1", "--json")
    assert (ran.status, ran.err) == (0, "")
    told = json.loads(ran.out)
    found = {
        (event["name"], event["region"]): (event["marked"], event["error_code"])
        for event in told["items"]
    }
    assert found == {
        ("DescribeInstances", "us-east-1"): (False, None),
        ("DescribeVpcs", "eu-west-1"): (False, None),
        ("CreateVpc", "us-east-1"): (True, "Client.UnauthorizedOperation"),
    }
    assert told["regions"] == ["us-east-1", "eu-west-1"]
    assert {event["access_key_id"] for event in told["items"]} == {
        session["credentials"]["access_key_id"]
    }
    # The session still lives, so it may do more.
    assert told["complete"] is False
    assert session["credentials"]["session_token"] not in ran.out


def test_a_person_sees_what_stands_out(office: Office) -> None:
    """The table, and only what is marked."""
    session = office.opened()
    office.aws(session, "ec2", "describe-instances")
    office.aws(session, "iam", "create-user", "--user-name", "mallory")
    session_id = session["session"]["id"]
    ran = office.broker("sessions", "activity", session_id, caller=office.world.engineer)
    lines = ran.out.splitlines()
    assert [line.split()[0] for line in lines if "CreateUser" in line] == ["!"]
    assert "AccessDenied" in ran.out
    assert "1 marked with !" in ran.out
    assert "15 minutes late" in ran.out
    ran = office.broker("sessions", "activity", session_id, "--marked", "--json")
    assert [event["name"] for event in json.loads(ran.out)["items"]] == ["CreateUser"]


def test_sessions_are_listed_and_shown(office: Office) -> None:
    """By their name in CloudTrail too, and never with credentials."""
    session = office.opened()
    session_id = session["session"]["id"]
    listed = office.broker("sessions", "list", "--account", office.account_id)
    assert session_id in listed.out
    shown = office.broker("sessions", "show", session_id)
    assert session["session"]["role_session_name"] in shown.out
    assert session["credentials"]["secret_access_key"] not in shown.out + listed.out
    nobodys = office.broker("sessions", "activity", "s-" + "0" * 20)
    assert (nobodys.status, "[not_found]" in nobodys.err) == (3, True)


def test_all_that_the_broker_did_is_known(office: Office) -> None:
    """Sessions, both roles' canaries, the doctor's, visits to the trail, proofs of revocations."""
    session = office.opened()
    office.opened(access="case")
    session_id = session["session"]["id"]
    assert office.broker("sessions", "activity", session_id).status == 0
    office.world.console.ask("GET", f"/v1/accounts/{office.account_id}/diagnosis")
    admin = office.world.callers.admin
    revoked = office.broker("sessions", "revoke", session_id, "--wait", "0", caller=admin)
    assert revoked.status == 0, revoked.err
    office.world.reconcile(office.account_id)
    for _ in range(2):
        ran = office.reconciled("--json")
        told = json.loads(ran.out)
        assert (ran.status, told["verdict"]) == (0, "agrees"), ran.out
        assert told["unknown"] == told["missing"] == []
        # The visit under way, whose outcome is not written yet.
        assert len(told["unfinished"]) == 1
    # Two sessions, and two canaries each at onboarding, by the doctor, and in the last pass.
    assert told["matched"] >= 2 + 3 * 2
    entry = office.world.ledger(office.account_id)[-1]
    assert (entry["action"], entry["outcome"]) == ("ledger.reconciled", "done")
    assert entry["details"]["matched"] == told["matched"]


def test_a_session_behind_the_brokers_back_is_found(haunted: Office) -> None:
    """Forged with the account's own key: AWS let it in, and the ledger has nothing of it."""
    haunted.opened()
    credentials = haunted.forged("jane@T-1-00000000")
    ran = haunted.reconciled("--json")
    assert ran.status == 3
    told = json.loads(ran.out)
    (unknown,) = (one for one in told["unknown"] if one["session_name"] == "jane@T-1-00000000")
    assert told["verdict"] == "unknown"
    assert unknown["issued_key_id"] == credentials["AccessKeyId"]
    assert unknown["source_identity"] == "mallory@vendor.example"
    assert (unknown["ticket"], unknown["error_code"]) == ("T-666", None)
    assert credentials["SessionToken"] not in ran.out

    for_people = haunted.reconciled()
    assert for_people.status == 3
    assert "in CloudTrail that the ledger does not know:" in for_people.out
    assert credentials["AccessKeyId"] in for_people.out
    entry = haunted.world.ledger(haunted.account_id)[-1]
    assert (entry["outcome"], entry["reason"]) == ("failed", "unknown")
    assert unknown["event_id"] in entry["details"]["unknown_events"]
    assert "exchange_unknown_to_the_ledger" in haunted.world.stage.log.read_text()


def test_a_forged_session_that_takes_a_known_name_is_found(haunted: Office) -> None:
    """The name of an engineer's own session, of a canary: AWS's key tells them apart."""
    known = haunted.opened()["session"]["role_session_name"]
    canary = next(
        entry["details"]["own_session_name"]
        for entry in haunted.world.ledger(haunted.account_id)
        if entry["action"] == "account.canary"
    )
    keys = {haunted.forged(name)["AccessKeyId"] for name in (known, canary)}
    told = json.loads(haunted.reconciled("--json").out)
    assert {event["issued_key_id"] for event in told["unknown"]} >= keys


def test_an_attempt_that_aws_refused_is_found_too(haunted: Office) -> None:
    """Signed with the account's key, so somebody holds it, though nobody got anything."""
    sts = haunted.world.client("sts")
    token = haunted.world.mint.token(
        haunted.account, spoil=lambda claims: {**claims, "sub": "support:another"}
    )
    with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
        sts.assume_role_with_web_identity(
            RoleArn=support_role(haunted.account),
            RoleSessionName="knocking",
            WebIdentityToken=token,
        )
    ran = haunted.reconciled()
    assert ran.status == 3
    assert "knocking" in ran.out
    assert "refused, AccessDenied" in ran.out


def test_what_cannot_be_looked_at(world: World) -> None:
    """Consent off has a code of its own, and so have times that AWS shows nothing of."""
    office = office_in(world)
    session_id = office.opened()["session"]["id"]
    too_long = office.reconciled("--from", "2026-01-01T00:00:00Z")
    assert (too_long.status, "[invalid_request]" in too_long.err) == (2, True)
    no_zone = office.reconciled("--from", "2026-11-24T00:00:00")
    assert no_zone.status == 2
    office.world.customer_of(office.account_id).ask(
        "PATCH", f"/v1/accounts/{office.account_id}", {"consent": "off"}
    )
    for ran in (office.reconciled(), office.broker("sessions", "activity", session_id)):
        assert (ran.status, "[consent_off]" in ran.err) == (3, True)
