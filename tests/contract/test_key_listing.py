"""Finding keys that no record knows of: what every key provider promises of it.

KMS is moto's, in process, and can be made to die right before or right after each call.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from keys.errors import InvalidKey
from keys.kms import KmsKeyProvider
from keys.local import LocalKeyProvider
from keys.types import Algorithm, KeyOwner, KeyProvider, KeyReference, ProviderKeyState

OWNER = KeyOwner(account_id="111122223333", issuer_id="0123456789abcdef0123456789abcdef")
NAMESAKE = replace(OWNER, issuer_id="0123456789abcdef-same-alias-folder")
OTHER = KeyOwner(account_id="444455556666", issuer_id="fedcba9876543210fedcba9876543210")
TAGS = {"Service": "broker"}


class Killed(BaseException):
    """The process ends here: nothing of it runs any more, no handler of errors either."""


@pytest.fixture
def kms() -> Iterator[BaseClient]:
    with mock_aws():
        client = boto3.session.Session().client(
            "kms",
            region_name="eu-west-1",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="not-a-secret",
        )
        for action in ("DisableKey", "ScheduleKeyDeletion"):
            client.meta.events.register(f"provide-client-params.kms.{action}", by_key_id)
        yield client


def by_key_id(params: dict, **_: object) -> dict:
    """AWS takes a key's ARN in every call; in these two moto finds a key by its bare id only."""
    return {**params, "KeyId": params["KeyId"].rpartition("/")[2]}


def of_kms(client: BaseClient, **changes: Any) -> KmsKeyProvider:
    return KmsKeyProvider(client, **{"alias_prefix": "support-broker", "tags": TAGS, **changes})


@pytest.fixture(params=["kms", "local"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> KeyProvider:
    if request.param == "kms":
        return of_kms(request.getfixturevalue("kms"))
    clock = lambda: datetime.now(UTC)  # noqa: E731 - as short as it is
    return LocalKeyProvider(tmp_path / "keys", passphrase=b"correct horse", clock=clock)


def make(provider: KeyProvider, owner: KeyOwner = OWNER) -> KeyReference:
    return provider.create(owner=owner, algorithm=Algorithm.ES256)


def test_a_key_is_found_as_it_was_made(provider):
    """The reference is the same that `create` returned; every algorithm is recognised."""
    made = {
        provider.create(owner=OWNER, algorithm=algorithm).kid: algorithm for algorithm in Algorithm
    }

    found = provider.find(OWNER)

    assert {reference.kid: reference.algorithm for reference in found} == made


def test_only_the_owners_keys_are_found(provider):
    """Neither another account's nor those of an issuer whose id begins alike."""
    own, namesake, other = (make(provider, owner) for owner in (OWNER, NAMESAKE, OTHER))

    assert provider.find(OWNER) == (own,)
    assert provider.find(NAMESAKE) == (namesake,)
    assert provider.find(OTHER) == (other,)


def test_keys_that_are_on_their_way_out_are_not_found(provider):
    """What is found is to sign: disabled and scheduled keys stay where they are."""
    disabled, scheduled, own = make(provider), make(provider), make(provider)
    provider.disable(disabled)
    provider.schedule_deletion(scheduled, days=7)

    assert provider.find(OWNER) == (own,)


def test_the_inventory_holds_every_key_of_the_broker(provider):
    """Whoever owns it and whatever its state, with the age that its cost follows from."""
    before = datetime.now(UTC) - timedelta(minutes=1)
    own, other, scheduled = make(provider), make(provider, OTHER), make(provider)
    provider.disable(other)
    provider.schedule_deletion(scheduled, days=7)

    listed = {key.locator: key for key in provider.inventory(without=())}

    assert {locator: (key.owner, key.state) for locator, key in listed.items()} == {
        own.locator: (OWNER, ProviderKeyState.ENABLED),
        other.locator: (OTHER, ProviderKeyState.DISABLED),
        scheduled.locator: (OWNER, ProviderKeyState.PENDING_DELETION),
    }
    assert all(before < key.created_at <= datetime.now(UTC) for key in listed.values())


def test_the_inventory_leaves_out_what_is_known(provider):
    """Locators of records are not asked about."""
    known, unknown = make(provider), make(provider)

    listed = list(provider.inventory(without={known.locator}))

    assert [key.locator for key in listed] == [unknown.locator]


def test_a_listed_key_can_be_discarded(provider):
    """Twice is like once; the others stay."""
    orphan, own = make(provider), make(provider)
    listed = next(key for key in provider.inventory(without={own.locator}))

    provider.discard(listed, days=7)
    provider.discard(listed, days=7)

    assert provider.describe(orphan) is ProviderKeyState.PENDING_DELETION
    assert provider.find(OWNER) == (own,)


def test_a_key_of_another_provider_is_not_discarded(provider):
    """The same bounds as for keys that a record refers to."""
    own = make(provider)
    listed = next(provider.inventory(without=()))

    with pytest.raises(InvalidKey, match="the listed key is not"):
        provider.discard(replace(listed, provider="another"), days=7)
    with pytest.raises(ValueError, match="7 to 30"):
        provider.discard(listed, days=6)

    assert provider.describe(own) is ProviderKeyState.ENABLED


def kill_at(client: BaseClient, number: int) -> None:
    """Die at the given moment: 0 is before the first call, 1 after it, 2 before the second …"""
    moments = itertools.count()

    def reach(**_: object) -> None:
        if next(moments) == number:
            raise Killed

    for event in ("before-call.kms", "after-call.kms"):
        client.meta.events.register(event, reach)


def calls_of_create(kms: BaseClient) -> int:
    names: list[str] = []
    kms.meta.events.register("before-call.kms", lambda model, **_: names.append(model.name))
    make(of_kms(kms), OTHER)
    assert names == ["CreateKey", "GetPublicKey", "CreateAlias"]
    return len(names)


def test_a_key_is_found_wherever_its_making_was_cut_off(kms):
    """Before CreateKey there is none; from then on there is exactly one, and it is completed."""
    points = range(2 * calls_of_create(kms))
    for point in points:
        owner = replace(OWNER, account_id=f"{point:012d}")
        dying = boto3.session.Session().client(
            "kms",
            region_name="eu-west-1",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="not-a-secret",
        )
        kill_at(dying, point)
        with pytest.raises(Killed):
            make(of_kms(dying), owner)

        found = of_kms(kms).find(owner)

        assert len(found) == (0 if point == 0 else 1)
        for reference in found:
            names = kms.list_aliases(KeyId=reference.locator)["Aliases"]
            assert [alias["AliasName"] for alias in names] == [
                f"alias/support-broker/{owner.account_id}/0123456789abcdef/{reference.kid[:16]}"
            ]
            assert of_kms(kms).find(owner) == found
    print(f"{len(points)} crash points of KmsKeyProvider.create")


def test_keys_of_others_are_never_ours(kms):
    """Not by tags that are nearly ours, not by a name under our prefix alone, not by neither."""
    nearly = {"Service": "another", "AccountId": OWNER.account_id, "IssuerId": OWNER.issuer_id}
    tags = [{"TagKey": name, "TagValue": value} for name, value in nearly.items()]
    kms.create_key(Tags=tags)
    kms.create_key()
    named = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/support-broker/mine/after/all", TargetKeyId=named)
    elsewhere = kms.create_key(
        Tags=[{"TagKey": "Service", "TagValue": "broker"}, *tags[1:]],
    )["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/another-broker/key", TargetKeyId=elsewhere)

    assert of_kms(kms).find(OWNER) == ()
    assert list(of_kms(kms).inventory(without=())) == []


def test_named_keys_of_others_are_not_even_asked_for_their_tags(kms):
    """In an account with thousands of keys, recovery costs a call for each nameless one only."""
    foreign = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/payroll", TargetKeyId=foreign)
    make(of_kms(kms))
    asked: list[str] = []
    kms.meta.events.register(
        "provide-client-params.kms.ListResourceTags",
        lambda params, **_: asked.append(params["KeyId"]),
    )

    (found,) = of_kms(kms).find(OWNER)

    assert asked == [found.locator]


def test_a_file_that_is_not_the_brokers_is_no_key(tmp_path):
    """What lies in the folder under a key's name without an owner above it is left alone."""
    folder = tmp_path / "keys"
    local = LocalKeyProvider(folder, passphrase=b"correct horse", clock=lambda: datetime.now(UTC))
    own = make(local)
    for name, content in (("f" * 43, b"[]\n"), ("g" * 43, b"no JSON\n"), ("h" * 43, b"")):
        path = folder / f"{name}.pem"
        path.write_bytes(content)
        path.chmod(0o600)
    (folder / "README").write_text("not a key")

    assert local.find(OWNER) == (own,)
    assert [key.locator for key in local.inventory(without=())] == [own.locator]
