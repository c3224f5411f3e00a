"""Taking a ledger along and having it signed: over HTTP, against the strict STS, and into S3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from broker.cli.demo.stage import NAME_PREFIX
from broker.domain.canaries import CANARY_ENGINEER, CANARY_TICKET
from broker.domain.claims import TokenSubject, identity_claims
from broker.domain.grants import Access
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Role
from broker.domain.ledger.checkpoint_signatures import BadCheckpoint, verify_checkpoint
from broker.domain.ledger.entries import Event, LedgerAction, Outcome, chain_of
from broker.domain.ledger.lines import LONGEST_LINE
from broker.domain.ledger.public_keys import read_jwks
from broker.domain.ledger.verification import (
    BrokenLine,
    Verification,
    Verified,
    checkpointed,
)
from broker.domain.role_plan import role_arn
from broker.domain.sessions import SHORTEST
from broker.errors import UpstreamRejected
from broker.services.ambient import Entropy, utc_now
from broker.services.background.crew import call_of_worker
from broker.services.ledger.lines import ENTRIES_AT_ONCE
from tests.integration.api.world import World, answered, assert_problem, pages

KEPT = AccountId("717171717171")
BUCKET = "auditors-of-kept"

pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture(scope="module")
def account(world: World) -> dict[str, Any]:
    """An account of its own, and callers that are bound to it."""
    customer = world.stage.onboard(world.over_http("console"), KEPT)
    world.customers[KEPT] = customer
    world.add_caller("customer-of-kept", Role.CUSTOMER, accounts=(KEPT,))
    return dict(customer.account)


@pytest.fixture
def customer(world: World) -> httpx.Client:
    return world.over_http("customer-of-kept")


@pytest.fixture
def keys(account: dict[str, Any]) -> Any:
    """The account's JWKS, as anybody may fetch it."""
    return read_jwks(httpx.get(f"{account['issuer']}/jwks.json", trust_env=False).json())


def sign(client: httpx.Client) -> dict[str, Any]:
    return dict(answered(client.post("/v1/ledger/checkpoint", json={"account_id": KEPT}), 201))


def verified(text: bytes, keys: Any) -> Verified:
    lines = BytesIO(text).readlines()
    verification = Verification(given=keys, remember=checkpointed(lines))
    verification.read(lines)
    return verification.result()


def test_a_checkpoint_is_signed_on_request(world: World, customer: httpx.Client, keys: Any) -> None:
    """With the account's active key, over the head as it was, and the chain tells of it."""
    head = world.ledger(KEPT)[-1]
    answer = sign(customer)
    assert (answer["seq"], answer["hash"]) == (head.seq, head.hash)
    said = verify_checkpoint(answer["checkpoint"], keys)
    assert (said.chain, said.seq, said.hash) == (KEPT, head.seq, head.hash)
    told = world.ledger(KEPT)[head.seq]
    assert (told.action, told.outcome, told.ids["kid"]) == ("ledger.signed", "done", answer["kid"])
    assert told.details == {**told.details, "seq": head.seq, "hash": head.hash}


def test_the_export_proves_itself(customer: httpx.Client, keys: Any) -> None:
    """Entries, keys and checkpoints, up to the entry that tells of this very export."""
    signed = sign(customer)
    answer = customer.get("/v1/ledger/export", params={"account_id": KEPT})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.headers["Cache-Control"] == "no-store"
    assert f"ledger-{KEPT}.jsonl" in answer.headers["Content-Disposition"]
    proved = verified(answer.content, keys)
    assert proved.checkpoints[-1].head.seq == signed["seq"]
    lines = [json.loads(line) for line in answer.content.splitlines()]
    entries = [line for line in lines if "action" in line]
    assert entries[-1]["action"] == "ledger.exported"
    assert entries[-1]["seq"] == proved.last_seq == signed["seq"] + 2
    listed = list(pages(customer, "/v1/ledger", account_id=KEPT, limit=200))
    assert listed[: len(entries)] == entries


def test_a_part_is_exported_with_what_it_builds_on(customer: httpx.Client, keys: Any) -> None:
    """And two neighbouring parts are one chain."""
    middle, end = 5, sign(customer)["seq"]

    def part(**query: int) -> list[bytes]:
        answer = customer.get("/v1/ledger/export", params={"account_id": KEPT, **query})
        return BytesIO(answer.raise_for_status().content).readlines()

    first, second = part(through=middle), part(after=middle, through=end)
    proved = verified(b"".join(second), keys)
    assert (proved.first_seq, proved.last_seq) == (middle + 1, end)
    assert proved.anchor is not None
    verification = Verification(given=keys, remember=checkpointed([*first, *second]))
    for lines in (first, second):
        verification.read(lines)
    assert verification.result().first_seq == 1


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"after": "999999"}, 400, "invalid_request"),
        ({"after": "5", "through": "5"}, 400, "invalid_request"),
        ({"after": "-1"}, 400, "invalid_request"),
        ({"through": "0"}, 400, "invalid_request"),
        ({"limit": "5"}, 400, "invalid_request"),
    ],
)
def test_what_is_no_part_of_the_chain_is_refused(
    customer: httpx.Client, query: dict[str, str], status: int, code: str
) -> None:
    """Before anything is sent, and without an entry that says it was exported."""
    before = customer.get("/v1/ledger", params={"account_id": KEPT, "limit": 200}).json()["items"]
    answer = customer.get("/v1/ledger/export", params={"account_id": KEPT, **query})
    assert_problem(answer, status, code)
    after = customer.get("/v1/ledger", params={"account_id": KEPT, "limit": 200}).json()["items"]
    assert after == before


def test_an_account_that_nobody_registered_has_no_ledger(world: World) -> None:
    """And asking for it does not make one."""
    auditor = world.inside("auditor")
    nobody = "909090909090"
    answer = auditor.get("/v1/ledger/export", params={"account_id": nobody})
    assert_problem(answer, 404, "not_found")
    answer = auditor.post("/v1/ledger/checkpoint", json={"account_id": nobody})
    assert_problem(answer, 404, "not_found")
    assert world.ledger(nobody) == []


def test_the_brokers_own_chain_is_exported_without_checkpoints(world: World) -> None:
    """It has no key; whoever is bound to an account does not get it."""
    answer = world.over_http("auditor").get("/v1/ledger/export")
    proved = verified(answer.raise_for_status().content, {})
    assert (proved.chain, proved.first_seq, proved.checkpoints) == ("broker", 1, ())


def test_another_customer_gets_neither(world: World) -> None:
    """Nor does it lengthen the account's chain by asking."""
    before = world.ledger(KEPT)
    other = world.over_http("other-customer")
    answer = other.get("/v1/ledger/export", params={"account_id": KEPT})
    assert_problem(answer, 403, "forbidden")
    answer = other.post("/v1/ledger/checkpoint", json={"account_id": KEPT})
    assert_problem(answer, 403, "forbidden")
    assert world.ledger(KEPT) == before


def test_the_strict_sts_refuses_a_checkpoint(
    world: World, customer: httpx.Client, account: dict[str, Any]
) -> None:
    """Though the very key that signed it signs identity tokens that it takes."""
    arn = role_arn(KEPT, "aws", Access.READ, name_prefix=NAME_PREFIX)

    def exchange(identity_token: str) -> Any:
        sts = boto3.client(
            "sts",
            region_name="us-east-1",
            endpoint_url=world.stage.sandbox.url,
            config=Config(signature_version=UNSIGNED),
        )
        return sts.assume_role_with_web_identity(
            RoleArn=arn, RoleSessionName="tests", WebIdentityToken=identity_token
        )

    with pytest.raises(ClientError) as refused:
        exchange(sign(customer)["checkpoint"])
    assert refused.value.response["Error"]["Code"] == "InvalidIdentityToken"
    assert exchange(an_identity_token(world, account, arn))["Credentials"]


def an_identity_token(world: World, account: dict[str, Any], arn: str) -> str:
    """A good token of the account's active key, as the broker makes it for a session."""
    stored = world.services.store.accounts.get(KEPT)
    assert stored is not None
    subject = TokenSubject(
        issuer=account["issuer"],
        subject=f"support:{KEPT}",
        role_arn=arn,
        engineer=CANARY_ENGINEER,
        ticket_id=CANARY_TICKET,
        session_id=Entropy().session_id(),
        jti=Entropy().jti(),
    )
    minter = world.services.ledger.signing.minter
    return minter.mint(stored.record, identity_claims(subject, now=utc_now())).compact


def test_an_identity_token_is_no_checkpoint(
    world: World, account: dict[str, Any], keys: Any
) -> None:
    """Though it has the signature of the very same key."""
    arn = role_arn(KEPT, "aws", Access.READ, name_prefix=NAME_PREFIX)
    token = an_identity_token(world, account, arn)
    with pytest.raises(BadCheckpoint, match="its type is 'JWT'"):
        verify_checkpoint(token, keys)


def test_the_broker_itself_does_not_exchange_a_checkpoint(
    world: World, customer: httpx.Client
) -> None:
    """Not even where it has one in place of a token."""
    arn = role_arn(KEPT, "aws", Access.READ, name_prefix=NAME_PREFIX)
    exchange = world.services.reconcile.canaries.exchange
    with pytest.raises(UpstreamRejected):
        exchange.exchange(
            identity_token=sign(customer)["checkpoint"],
            role_arn=arn,
            role_session_name="tests",
            duration=SHORTEST,
            session_policy=None,
        )


def test_a_long_chain_is_streamed_in_parts(world: World, customer: httpx.Client, keys: Any) -> None:
    """Over more than one page of the store, with nothing missing between them."""
    event = Event(actor="tests", action=LedgerAction.ACCOUNT_CHANGED, outcome=Outcome.DONE)
    for _ in range(3):
        world.services.store.journal.record(
            chain_of(KEPT), *[event] * ENTRIES_AT_ONCE, now=utc_now()
        )
    sign(customer)
    with customer.stream("GET", "/v1/ledger/export", params={"account_id": KEPT}) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 2
    proved = verified(b"".join(pieces), keys)
    assert proved.entries == proved.last_seq > 3 * ENTRIES_AT_ONCE
    seqs = [c.head.seq for c in proved.checkpoints]
    assert all(one < other for one, other in pairwise(seqs))
    assert max(map(len, b"".join(pieces).splitlines())) < LONGEST_LINE


def test_an_export_that_loses_its_entries_is_cut_off(world: World) -> None:
    """Where they go to an archive meanwhile: no answer that HTTP holds to be whole."""
    moved = AccountId("323232323232")
    console = world.inside("console")
    console.post("/v1/accounts", json={"account_id": moved, "customer": "Moved"}).raise_for_status()
    event = Event(
        actor="tests",
        action=LedgerAction.ACCOUNT_CHANGED,
        outcome=Outcome.DONE,
        details={"note": "x" * 2_000},
    )
    journal = world.services.store.journal
    # More than sockets hold between the two ends, so that the broker still reads as we do.
    for _ in range(20):
        journal.record(chain_of(moved), *[event] * ENTRIES_AT_ONCE, now=utc_now())
    auditor, query = world.over_http("auditor"), {"account_id": moved}
    with auditor.stream("GET", "/v1/ledger/export", params=query) as answer:
        pieces = answer.iter_raw()
        received = [next(pieces)]
        last = journal.head(chain_of(moved)).seq
        journal.archive(chain_of(moved), event, through=last, now=utc_now())
        with pytest.raises(httpx.RemoteProtocolError):
            received += pieces
    with pytest.raises(BrokenLine, match=r"not JSON|breaks off"):
        verified(b"".join(received), {})


@pytest.fixture
def bucket(world: World) -> Iterator[Any]:
    keys = world.customers[KEPT].administrator
    s3 = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=world.stage.sandbox.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
    s3.create_bucket(Bucket=BUCKET)
    yield s3
    name_bucket(world.over_http("customer-of-kept"), None)
    for kept in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=kept["Key"])
    s3.delete_bucket(Bucket=BUCKET)


def name_bucket(client: httpx.Client, bucket: str | None) -> httpx.Response:
    return client.patch(f"/v1/accounts/{KEPT}", json={"checkpoint_bucket": bucket})


def test_each_checkpoint_is_copied(world: World, customer: httpx.Client, bucket: Any) -> None:
    """Under a name that sorts, once, and the chain and the account tell of it."""
    assert answered(name_bucket(customer, BUCKET), 200)["checkpoint_bucket"] == BUCKET
    signed = [sign(customer), sign(customer)]
    kept = [each["Key"] for each in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert kept == [
        f"support-access-ledger/{KEPT}/{each['seq']:016d}-{each['hash']}.jws" for each in signed
    ]
    for name, each in zip(kept, signed, strict=True):
        copy = bucket.get_object(Bucket=BUCKET, Key=name)
        assert copy["ContentType"] == "application/jose"
        assert copy["Body"].read().decode() == each["checkpoint"]
    copied = [e for e in world.ledger(KEPT) if e.action == "ledger.checkpoint_copied"]
    assert [(e.outcome, e.details["seq"], e.details["bucket"]) for e in copied[-2:]] == [
        ("done", each["seq"], BUCKET) for each in signed
    ]
    shown = customer.get(f"/v1/accounts/{KEPT}").json()
    assert (shown["checkpoint_bucket"], shown["checkpoint_error"]) == (BUCKET, None)


def test_a_copy_is_written_once(world: World, customer: httpx.Client, bucket: Any) -> None:
    """Another copy of the same is no error, and what is there is not replaced."""
    name_bucket(customer, BUCKET)
    sign(customer)
    latest = world.services.store.checkpoints.latest(KEPT)
    assert latest is not None
    buckets = world.services.ledger.signing.copying.buckets
    buckets.put(latest.record, bucket=BUCKET)
    [kept] = bucket.list_objects_v2(Bucket=BUCKET)["Contents"]
    before = kept["LastModified"], kept["ETag"]
    buckets.put(latest.record, bucket=BUCKET)
    [kept] = bucket.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert (kept["LastModified"], kept["ETag"]) == before


def test_a_bucket_that_is_not_there_hinders_nothing(
    world: World, customer: httpx.Client, bucket: Any
) -> None:
    """The head is signed, the failure is told, and once it is mended the latest is copied."""
    name_bucket(customer, "not-there-at-all")
    signed = sign(customer)
    failed = world.ledger(KEPT)[-1]
    assert (failed.action, failed.outcome) == ("ledger.checkpoint_copied", "failed")
    assert (failed.reason, failed.details["seq"]) == ("refused_by_aws", signed["seq"])
    shown = customer.get(f"/v1/accounts/{KEPT}").json()
    assert "bucket" in shown["checkpoint_error"]
    answer = answered(name_bucket(customer, BUCKET), 200)
    assert answer["checkpoint_error"] is None
    world.services.ledger.signing.when_due(KEPT, call_of_worker())
    [kept] = bucket.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert f"{signed['seq']:016d}" in kept["Key"]
    assert world.ledger(KEPT)[-1].outcome == "done"


def test_no_bucket_any_more(world: World, customer: httpx.Client, bucket: Any) -> None:
    """Null ends it."""
    name_bucket(customer, BUCKET)
    assert answered(name_bucket(customer, None), 200)["checkpoint_bucket"] is None
    sign(customer)
    assert "Contents" not in bucket.list_objects_v2(Bucket=BUCKET)
    assert world.ledger(KEPT)[-1].action == "ledger.signed"
    named = [e for e in world.ledger(KEPT) if "checkpoint_bucket" in e.details]
    assert [e.details["checkpoint_bucket"] for e in named[-2:]] == [BUCKET, "none"]


@pytest.mark.parametrize("subject", ["admin", "console", "auditor", "other-customer"])
def test_nobody_else_names_it(world: World, subject: str) -> None:
    """Not the vendor either: it is the customer's copy."""
    assert_problem(name_bucket(world.inside(subject), BUCKET), 403, "forbidden")


@pytest.mark.parametrize(
    "name",
    ["", "ab", "a" * 64, "Upper", "with.dot", "-a-b", "a_b", "xn--abc", "abc-s3alias", "a/b"],
)
def test_what_is_no_bucket_is_refused(customer: httpx.Client, name: str) -> None:
    """By AWS's rules."""
    assert_problem(name_bucket(customer, name), 400, "invalid_request")
