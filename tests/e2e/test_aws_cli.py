"""The real AWS CLI uses the credentials: what must work works, and AWS refuses the rest."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from broker.cli.demo.stage import Customer
from tests.e2e.programs import Ran, aws_environment, run
from tests.e2e.world import (
    ENGINEER,
    FULL,
    METADATA,
    OBJECT_KEY,
    OBJECT_TEXT,
    TICKET,
    World,
    bucket_of,
)

Variables = dict[str, str]

COST = (
    *("ce", "get-cost-and-usage", "--granularity", "MONTHLY", "--metrics", "BlendedCost"),
    *("--time-period", "Start=2026-01-01,End=2026-02-01"),
)
SECRET = ("secretsmanager", "get-secret-value", "--secret-id", "database")
PARAMETER = ("ssm", "get-parameter", "--name", "licence", "--with-decryption")
CASE = ("support", "create-case", "--subject", "Quota", "--communication-body", "More, please.")


def from_shell(world: World, account_id: str, *options: str) -> Variables:
    """The variables that `eval "$(broker get ...)"` puts into a shell."""
    ran = run(
        *("sh", "-euc", 'eval "$(broker get "$@")"; env', "sh"),
        *("--account", account_id, "--ticket", TICKET, *options),
        home=world.home,
        environment={"BROKER_URL": world.stage.url, "BROKER_TOKEN": world.engineer.api_token},
    )
    assert ran.status == 0, ran.err
    variables = dict(line.split("=", 1) for line in ran.out.splitlines())
    return {name: value for name, value in variables.items() if name.startswith("AWS_")}


@dataclass(frozen=True)
class Visit:
    """An engineer's session in a customer's account."""

    world: World
    customer: Customer
    session: Variables = field(repr=False)

    @property
    def account_id(self) -> str:
        """The account."""
        return str(self.customer.account["account_id"])

    @property
    def data(self) -> str:
        """Where the customer's data is."""
        return f"s3://{bucket_of(self.account_id)}/{OBJECT_KEY}"

    def aws(self, *arguments: str) -> Ran:
        """The AWS CLI with the session's credentials."""
        return self.world.aws(self.session, *arguments)

    def own(self, service: str) -> Any:
        """What the customer's own administrator sees."""
        return self.world.administrator(service, self.customer)


@pytest.fixture(scope="module")
def metadata(world: World) -> Visit:
    """A session in the account whose profile is `metadata`."""
    return Visit(world, world.metadata, from_shell(world, METADATA))


@pytest.fixture(scope="module")
def full(world: World) -> Visit:
    """A session in the payer account whose profile is `full`."""
    return Visit(world, world.full, from_shell(world, FULL))


@pytest.fixture(params=["metadata", "full"])
def visit(request: pytest.FixtureRequest) -> Visit:
    """A session under each profile in turn."""
    session: Visit = request.getfixturevalue(request.param)
    return session


def refused(ran: Ran, code: str, *, status: int = 255) -> None:
    """The CLI ended with `status`, printed nothing and named AWS's error code."""
    assert (ran.status, ran.out) == (status, ""), ran.err
    assert f"An error occurred ({code}) when calling the " in ran.err


def test_the_caller_is_the_role_and_the_session_names_engineer_and_ticket(
    metadata: Visit,
) -> None:
    """Every CloudTrail line will carry this ARN: it says who, for which ticket, as what."""
    ran = metadata.aws("sts", "get-caller-identity")
    assert ran.status == 0, ran.err
    identity = json.loads(ran.out)
    assert identity["Account"] == METADATA
    assert re.fullmatch(
        rf"arn:aws:sts::{METADATA}:assumed-role/Acme-Support-ReadOnly/"
        rf"{re.escape(ENGINEER)}@{TICKET}-[0-9a-f]{{8}}",
        identity["Arn"],
    )


def test_the_cli_takes_credentials_from_credential_process(world: World, tmp_path: Path) -> None:
    """A profile in ~/.aws/config is all that an engineer needs."""
    configured(
        tmp_path, f"broker get --account {METADATA} --ticket {TICKET} --format credential-process"
    )
    ran = through_profile(world, tmp_path, "sts", "get-caller-identity")
    assert ran.status == 0, ran.err
    assert f"{ENGINEER}@{TICKET}-" in json.loads(ran.out)["Arn"]


def test_a_refused_credential_process_tells_the_reason(world: World, tmp_path: Path) -> None:
    """The CLI shows what `broker get` says on standard error, and fails."""
    world.ticket("T-done", METADATA, status="closed")
    configured(
        tmp_path, f"broker get --account {METADATA} --ticket T-done --format credential-process"
    )
    ran = through_profile(world, tmp_path, "sts", "get-caller-identity")
    assert ran.status != 0
    assert ran.out == ""
    assert "The ticket is closed." in ran.err
    assert "[ticket_closed]" in ran.err


def configured(home: Path, process: str) -> None:
    """Write a configuration file such as engineers have."""
    (home / ".aws").mkdir()
    lines = ("[profile acme]", f"credential_process = {process}")
    (home / ".aws" / "config").write_text("\n".join(lines) + "\n")


def through_profile(world: World, home: Path, *arguments: str) -> Ran:
    """The AWS CLI, with no credentials but those of the profile."""
    environment = {
        **aws_environment(world.stage.sandbox.url),
        "BROKER_URL": world.stage.url,
        "BROKER_TOKEN": world.engineer.api_token,
    }
    return run("aws", "--profile", "acme", *arguments, home=home, environment=environment)


def test_configuration_can_be_read(visit: Visit) -> None:
    """Both profiles see what stands in the account: its roles, its buckets, what is in them."""
    bucket = bucket_of(visit.account_id)
    roles = visit.aws("iam", "list-roles")
    buckets = visit.aws("s3", "ls")
    objects = visit.aws("s3", "ls", "--recursive", f"s3://{bucket}")
    assert (roles.status, buckets.status, objects.status) == (0, 0, 0)
    names = {role["RoleName"] for role in json.loads(roles.out)["Roles"]}
    assert {"Acme-Support-ReadOnly", "Acme-Support-Cases"} <= names
    assert bucket in buckets.out
    assert OBJECT_KEY in objects.out


def test_nothing_can_be_written(visit: Visit, tmp_path: Path) -> None:
    """AWS refuses writes under either profile, and nothing has changed afterwards."""
    paper = tmp_path / "paper.txt"
    paper.write_text("not the customer's")
    copied = ("s3", "cp", "--only-show-errors", str(paper), f"{visit.data}.copy")
    refused(visit.aws("s3", "mb", "s3://not-the-customers"), "AccessDenied", status=1)
    refused(visit.aws(*copied), "AccessDenied", status=1)
    refused(visit.aws("s3", "rm", visit.data), "AccessDenied", status=1)
    refused(visit.aws("iam", "create-user", "--user-name", "mallory"), "AccessDenied")
    bucket = bucket_of(visit.account_id)
    objects = visit.own("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [found["Key"] for found in objects] == [OBJECT_KEY]
    assert [found["Name"] for found in visit.own("s3").list_buckets()["Buckets"]] == [bucket]
    users = visit.own("iam").list_users()["Users"]
    assert "mallory" not in {user["UserName"] for user in users}


def test_customer_data_is_refused_under_the_metadata_profile(
    metadata: Visit, tmp_path: Path
) -> None:
    """An object can be listed there, but not read. (S3 answers HEAD without an error document.)"""
    copy = tmp_path / "copy.txt"
    bucket = bucket_of(METADATA)
    get = ("s3api", "get-object", "--bucket", bucket, "--key", OBJECT_KEY, str(copy))
    refused(metadata.aws("s3", "cp", metadata.data, str(copy)), "403", status=1)
    refused(metadata.aws(*get), "AccessDenied")
    assert not copy.exists()


def test_customer_data_can_be_read_under_the_full_profile(full: Visit, tmp_path: Path) -> None:
    """What the customer's users wrote arrives as they wrote it."""
    copy = tmp_path / "copy.txt"
    ran = full.aws("s3", "cp", full.data, str(copy))
    assert ran.status == 0, ran.err
    assert copy.read_text() == OBJECT_TEXT


@pytest.mark.parametrize("call", [SECRET, PARAMETER], ids=lambda call: call[0])
def test_secrets_are_refused_under_every_profile(visit: Visit, call: tuple[str, ...]) -> None:
    """They are there, their owner can read them, and no session can."""
    own = visit.world.aws(visit.customer.administrator.environment(), *call)
    assert "hunter" in own.out, own.err
    ran = visit.aws(*call)
    refused(ran, "AccessDeniedException")
    assert "with an explicit deny in an identity-based policy" in ran.err


def test_a_session_narrowed_to_a_service_is_that_narrow(world: World) -> None:
    """EC2 can be described; the same role without the narrowing can list buckets, this cannot."""
    narrowed = Visit(world, world.full, from_shell(world, FULL, "--service", "ec2"))
    described = narrowed.aws("ec2", "describe-instances")
    assert described.status == 0, described.err
    assert json.loads(described.out) == {"Reservations": []}
    refused(narrowed.aws("s3", "ls"), "AccessDenied")
    refused(narrowed.aws("iam", "list-roles"), "AccessDenied")


def test_the_case_role_raises_cases_and_does_nothing_else(world: World) -> None:
    """It may talk to AWS's support for the customer, and not even look at the account."""
    case = Visit(world, world.metadata, from_shell(world, METADATA, "--access", "case"))
    created = case.aws(*CASE)
    assert created.status == 0, created.err
    listed = case.aws("support", "describe-cases")
    cases = json.loads(listed.out)["cases"]
    assert json.loads(created.out)["caseId"] in {found["caseId"] for found in cases}
    refused(case.aws("s3", "ls"), "AccessDenied")
    refused(case.aws("iam", "list-roles"), "AccessDenied")
    refused(case.aws("ec2", "describe-instances"), "UnauthorizedOperation")


def test_the_read_role_cannot_raise_cases(full: Visit) -> None:
    """Cases are for those who asked for the access `case`."""
    refused(full.aws(*CASE), "AccessDeniedException")


def test_a_payer_account_shows_billing_and_organisation(full: Visit) -> None:
    """Costs and the organisation can be read where the account pays for one."""
    costs = full.aws(*COST)
    assert costs.status == 0, costs.err
    assert "ResultsByTime" in json.loads(costs.out)
    organisation = full.aws("organizations", "describe-organization")
    assert organisation.status == 0, organisation.err
    assert json.loads(organisation.out)["Organization"]["MasterAccountId"] == FULL


def test_an_account_that_pays_for_nobody_shows_no_costs(metadata: Visit) -> None:
    """What a payer account adds is not given elsewhere."""
    refused(metadata.aws(*COST), "AccessDeniedException")
