"""An engineer's sessions, and what the AWS CLI can do with their credentials."""

from __future__ import annotations

from datetime import datetime

from broker.cli.demo.programs import AwsCli
from broker.cli.demo.story import Play, Step, Steps, together
from broker.cli.demo.world import OpenedSession, World

BUCKET = "harbour-bank-payroll"
OBJECT = f"s3://{BUCKET}/salaries.csv"

ACCESS_DENIED = "AccessDenied"


def reading(world: World) -> Steps:
    """The read role sees the account's configuration, changes nothing, and reads no data."""
    yield from _customer_data(world)
    opened = world.open_session("--reason", "Look for the missing invoices")
    yield _lifetime(opened)
    aws = world.aws(opened.credentials)
    yield from together(
        aws.step(
            "AWS knows engineer and ticket",
            "sts get-caller-identity --query Arn --output text",
            expected=opened.session["role_session_name"],
            reading=lambda arn: arn.strip().rsplit("/", 1)[-1],
        ),
        aws.step(
            "reading the roles",
            'iam list-roles --query "length(Roles)"',
            expected="3 roles",
            reading=lambda text: f"{text.strip()} roles",
        ),
        aws.step("listing the buckets", "s3 ls", expected=BUCKET, reading=_last_word),
        aws.step("making a bucket", "s3 mb s3://made-by-support", expected=ACCESS_DENIED),
        aws.step("making a user", "iam create-user --user-name support", expected=ACCESS_DENIED),
        # The CLI asks for the object's head first, and such an answer has a status but no code.
        aws.step("reading the customer's data", f"s3 cp {OBJECT} -", expected="403"),
    )


def narrower(world: World) -> Steps:
    """A session for one service sees no other; the cases role sees nothing at all."""
    ec2 = world.aws(world.open_session("--service", "ec2").credentials)
    cases = world.aws(world.open_session("--access", "case").credentials)
    yield from together(
        ec2.step(
            "for ec2 only: reading the networks",
            'ec2 describe-vpcs --query "length(Vpcs)"',
            expected="1 network",
            reading=lambda text: f"{text.strip()} network",
        ),
        ec2.step("for ec2 only: listing the buckets", "s3 ls", expected=ACCESS_DENIED),
        _raises_a_case(cases),
        cases.step("for cases: listing the buckets", "s3 ls", expected=ACCESS_DENIED),
        cases.step("for cases: reading the roles", "iam list-roles", expected=ACCESS_DENIED),
        cases.step(
            "for cases: reading the networks",
            "ec2 describe-vpcs",
            # EC2 has its own word for it.
            expected="UnauthorizedOperation",
        ),
    )


def _customer_data(world: World) -> Steps:
    """There is something to read: the customer keeps an object, and can read it."""
    administrator = world.aws(world.account.administrator.environment())
    yield administrator.step(
        "the customer makes a bucket", f"s3 mb s3://{BUCKET}", expected="done"
    )()
    yield administrator.step(
        "the customer keeps data there", f"s3 cp - {OBJECT}", expected="done", given="jane,100\n"
    )()
    yield administrator.step(
        "the customer reads it again",
        f"s3 cp {OBJECT} -",
        expected="jane,100",
        reading=str.strip,
    )()


def _lifetime(opened: OpenedSession) -> Step:
    begin, end = (
        datetime.fromisoformat(opened.session[name]) for name in ("issued_at", "expires_at")
    )
    return Step(
        title="the engineer gets credentials (broker get)",
        expected="for 60 minutes",
        got=f"for {round((end - begin).total_seconds() / 60)} minutes",
    )


def _raises_a_case(cases: AwsCli) -> Play:
    return cases.step(
        "for cases: raising one",
        "support create-case --subject Invoices --communication-body 'They are missing.'",
        expected="done",
    )


def _last_word(listing: str) -> str:
    """The bucket's name at the end of a line of `aws s3 ls`."""
    return listing.rsplit(maxsplit=1)[-1]
