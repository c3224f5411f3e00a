"""An engineer's sessions, and what the AWS CLI can do with their credentials."""

from __future__ import annotations

from datetime import datetime

from broker.cli.demo.programs import AwsCli
from broker.cli.demo.steps import Play, Step, Steps, together
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
            "AWS names engineer and ticket (aws sts)",
            "sts get-caller-identity --query Arn --output text",
            expected=opened.session["role_session_name"],
            reading=lambda arn: arn.strip().rsplit("/", 1)[-1],
        ),
        aws.step(
            "reading the roles works (aws iam list-roles)",
            'iam list-roles --query "length(Roles)"',
            expected="3 roles",
            reading=lambda text: f"{text.strip()} roles",
        ),
        aws.step(
            "listing the buckets works (aws s3 ls)", "s3 ls", expected=BUCKET, reading=_last_word
        ),
        aws.step(
            "making a bucket is refused (aws s3 mb)",
            "s3 mb s3://made-by-support",
            expected=ACCESS_DENIED,
        ),
        aws.step(
            "making a user is refused (aws iam create-user)",
            "iam create-user --user-name support",
            expected=ACCESS_DENIED,
        ),
        # The CLI asks for the object's head first, and such an answer has a status but no code.
        aws.step(
            "reading the customer's data is refused (aws s3 cp)",
            f"s3 cp {OBJECT} -",
            expected="403",
        ),
    )


def narrower(world: World) -> Steps:
    """A session for one service sees no other; the cases role sees nothing at all."""
    ec2 = world.aws(world.open_session("--service", "ec2").credentials)
    cases = world.aws(world.open_session("--access", "case").credentials)
    yield from together(
        ec2.step(
            "for ec2: reading the networks works (aws ec2)",
            'ec2 describe-vpcs --query "length(Vpcs)"',
            expected="1 network",
            reading=lambda text: f"{text.strip()} network",
        ),
        ec2.step(
            "for ec2: listing the buckets is refused (aws s3 ls)", "s3 ls", expected=ACCESS_DENIED
        ),
        _raises_a_case(cases),
        cases.step(
            "for cases: listing the buckets is refused (aws s3 ls)", "s3 ls", expected=ACCESS_DENIED
        ),
        cases.step(
            "for cases: reading the roles is refused (aws iam)",
            "iam list-roles",
            expected=ACCESS_DENIED,
        ),
        cases.step(
            "for cases: reading the networks is refused (aws ec2)",
            "ec2 describe-vpcs",
            # EC2 has its own word for it.
            expected="UnauthorizedOperation",
        ),
    )


def _customer_data(world: World) -> Steps:
    """There is something to read: the customer keeps an object, and can read it."""
    administrator = world.aws(world.account.administrator.environment())
    yield administrator.step(
        "the customer makes a bucket (aws s3 mb)", f"s3 mb s3://{BUCKET}", expected="done"
    )()
    yield administrator.step(
        "the customer keeps data in it (aws s3 cp)",
        f"s3 cp - {OBJECT}",
        expected="done",
        given="joan,5200\n",
    )()
    yield administrator.step(
        "the customer can read the data (aws s3 cp)",
        f"s3 cp {OBJECT} -",
        expected="joan,5200",
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
        "for cases: raising one works (aws support create-case)",
        "support create-case --subject Invoices --communication-body 'They are missing.'",
        expected="done",
    )


def _last_word(listing: str) -> str:
    """The bucket's name at the end of a line of `aws s3 ls`."""
    return listing.rsplit(maxsplit=1)[-1]
