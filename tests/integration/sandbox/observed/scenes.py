"""Rows that are no single exchange: propagation, caching, and the identity provider in IAM."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.observed.cases import DENY, KEY, Exchange, Granted, Row
from tests.integration.sandbox.observed.keys import only, right
from tests.integration.sandbox.observed.stage import Scenery, Stage, plain_claims, sign
from tests.integration.sandbox.throwaway_tokens import six_keys

THUMBPRINT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A row and the play that shows it; the play asserts."""

    row: Row
    play: Callable[[Stage], None]

    def __str__(self) -> str:
        return f"{self.row}: {self.play.__name__}"


SCENES: list[Scene] = []


def scene(section: str, scenario: str) -> Callable[[Callable[[Stage], None]], Any]:
    """Enter the decorated play into the table under this row."""

    def enter(play: Callable[[Stage], None]) -> Callable[[Stage], None]:
        SCENES.append(Scene(row=Row(section, scenario), play=play))
        return play

    return enter


def create(stage: Stage, url: str, **parameters: Any) -> str:
    """A provider with a thumbprint, so that the issuer need not exist."""
    parameters = {"ThumbprintList": [THUMBPRINT], **parameters}
    answer = stage.iam.create_open_id_connect_provider(Url=url, **parameters)
    return str(answer["OpenIDConnectProviderArn"])


def get(stage: Stage, arn: str) -> dict[str, Any]:
    return dict(stage.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn))


def example(stage: Stage, path: str = "") -> str:
    """An https issuer that does not exist."""
    return f"https://{stage.name()}.example.test{path}"


def assert_refused(call: Callable[[], Any], *, code: str, text: str, status: int) -> None:
    with pytest.raises(ClientError) as refusal:
        call()
    response = refusal.value.response
    assert (response["Error"]["Code"], response["Error"]["Message"]) == (code, text)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status


@scene("1", "fresh role")
def fresh_role(stage: Stage) -> None:
    """The sandbox's own clock passes the delay, so that nobody has to wait.

    Recorded were 8 s. It is longer here: what the calls themselves take must not reach it.
    """
    with Sandbox.start(role_delay_seconds=200) as sandbox:
        slow = Stage.on(sandbox, stage.account_id, stage.issuers)
        role, token = _role_and_token(slow, slow.issuers.publish(slow.name(), six_keys()))
        for offset in (0, 100):
            sandbox.set_clock(offset)
            assert_refused(
                lambda: slow.assume(role, token), code="AccessDenied", text=DENY, status=403
            )
        sandbox.set_clock(200)
        assert slow.assume(role, token)["Credentials"]


@scene("9", "no-cache: each JWKS overwrite took effect on the very next call")
def each_fetch_is_fresh(stage: Stage) -> None:
    name = stage.name()
    role, token = _role_and_token(stage, stage.issuers.publish(name, six_keys()))
    for _ in range(2):
        stage.issuers.publish(name, only(right)())
        assert stage.assume(role, token)["Credentials"]
        stage.issuers.publish(name, only(lambda: right(use="enc"))())
        assert_refused(
            lambda: stage.assume(role, token), code="InvalidIdentityToken", text=KEY, status=400
        )


def _role_and_token(stage: Stage, issuer: str) -> tuple[str, str]:
    """A role that trusts the issuer, and a plain token of it."""
    scenery = Scenery.of(stage, issuer)
    role = stage.create_role([federated(stage, issuer.partition("://")[2])])
    plain = Exchange(row=Row("1", "baseline OK"), outcome=Granted())
    return role, sign(plain, scenery.fill(plain_claims(issuer), now=stage.now()))


@scene("10", "no ThumbprintList, reachable https issuer")
def no_thumbprints(stage: Stage) -> None:
    issuer = stage.issuers.publish(stage.name(), six_keys())
    arn = create(stage, issuer, ThumbprintList=[])
    assert get(stage, arn)["Url"] == issuer.removeprefix("http://")


@scene("10", "client ids with a duplicate")
def client_ids_with_a_duplicate(stage: Stage) -> None:
    arn = create(stage, example(stage), ClientIDList=["z", "a", "z"])
    assert get(stage, arn)["ClientIDList"] == ["z", "a"]


@scene("10", "no client ids")
def no_client_ids(stage: Stage) -> None:
    assert get(stage, create(stage, example(stage)))["ClientIDList"] == []


@scene("10", "thumbprints: upper case, duplicates")
def thumbprints_in_upper_case(stage: Stage) -> None:
    arn = create(stage, example(stage), ThumbprintList=[THUMBPRINT.upper(), THUMBPRINT])
    assert get(stage, arn)["ThumbprintList"] == [THUMBPRINT, THUMBPRINT]


@scene("10", "thumbprint 40 non-hex chars")
def thumbprint_that_is_not_hex(stage: Stage) -> None:
    arn = create(stage, example(stage), ThumbprintList=["g" * 40])
    assert get(stage, arn)["ThumbprintList"] == ["g" * 40]


@scene("10", "6 thumbprints")
def six_thumbprints(stage: Stage) -> None:
    assert_refused(
        lambda: create(stage, example(stage), ThumbprintList=[THUMBPRINT] * 6),
        code="InvalidInput",
        text="Thumbprint list must contain fewer than 5 entries.",
        status=400,
    )


@scene("10", "UpdateThumbprint with []")
def update_to_no_thumbprints(stage: Stage) -> None:
    arn = create(stage, example(stage))
    assert_refused(
        lambda: stage.iam.update_open_id_connect_provider_thumbprint(
            OpenIDConnectProviderArn=arn, ThumbprintList=[]
        ),
        code="InvalidInput",
        text="Thumbprint list must contain at least one entry.",
        status=400,
    )
    assert get(stage, arn)["ThumbprintList"] == [THUMBPRINT]


@scene("10", "Url with `/path/` and `/path`")
def paths_with_and_without_a_slash(stage: Stage) -> None:
    host = example(stage)
    arns = [create(stage, host + path) for path in ("/path/", "/path")]
    for arn, path in zip(arns, ("/path/", "/path"), strict=True):
        assert arn.endswith(f".example.test{path}")
        assert get(stage, arn)["Url"] == host.removeprefix("https://") + path


@scene("10", "Url with `:443`")
def default_port(stage: Stage) -> None:
    host = example(stage)
    arn = create(stage, f"{host}:443/path")
    assert arn.endswith(f"oidc-provider/{host.removeprefix('https://')}/path")
    assert get(stage, arn)["Url"] == f"{host.removeprefix('https://')}/path"


@scene("10", "Url with query or fragment")
def query_or_fragment(stage: Stage) -> None:
    for suffix in ("/?q=value", "/#fragment"):
        url = example(stage, suffix)
        assert_refused(
            lambda url=url: create(stage, url), code="InvalidInput", text="Unknown", status=400
        )


@scene("10", "Url with upper-case host and path")
def upper_case_url(stage: Stage) -> None:
    name = f"{stage.name().upper()}.EXAMPLE.test/Path"
    arn = create(stage, f"https://{name}")
    assert arn == f"arn:aws:iam::{stage.account_id}:oidc-provider/{name}"
    assert get(stage, arn)["Url"] == name


@scene("10", "unreachable example hosts with thumbprint given")
def unreachable_issuer_with_thumbprint(stage: Stage) -> None:
    fetched = list(stage.issuers.fetched)
    create(stage, f"{stage.issuers.origin}/{stage.name()}")
    assert stage.issuers.fetched == fetched


@scene("10", "Get")
def get_sorts_tags(stage: Stage) -> None:
    url = example(stage)
    tags = [{"Key": key, "Value": "v"} for key in ("key", "Zone", "Key")]
    created = stage.iam.create_open_id_connect_provider(
        Url=url, ThumbprintList=[THUMBPRINT], Tags=tags
    )
    assert created["Tags"] == tags
    got = get(stage, created["OpenIDConnectProviderArn"])
    assert got["Url"] == url.removeprefix("https://")
    assert [tag["Key"] for tag in got["Tags"]] == ["Key", "Zone", "key"]


@scene("10", "AddClientID already there; RemoveClientID not there")
def client_id_changes_are_idempotent(stage: Stage) -> None:
    arn = create(stage, example(stage), ClientIDList=["a"])
    for client_id in ("a", "b", "b"):
        stage.iam.add_client_id_to_open_id_connect_provider(
            OpenIDConnectProviderArn=arn, ClientID=client_id
        )
    assert get(stage, arn)["ClientIDList"] == ["a", "b"]
    for client_id in ("a", "a", "never"):
        stage.iam.remove_client_id_from_open_id_connect_provider(
            OpenIDConnectProviderArn=arn, ClientID=client_id
        )
    assert get(stage, arn)["ClientIDList"] == ["b"]


@scene("10", "Delete of a missing provider")
def delete_twice(stage: Stage) -> None:
    arn = create(stage, example(stage))
    stage.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert_refused(
        lambda: stage.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn),
        code="NoSuchEntity",
        text="OpenId connect Provider ARN cannot be found.",
        status=404,
    )


@scene("10", "Get of a missing provider")
def get_of_a_missing_provider(stage: Stage) -> None:
    arn = f"arn:aws:iam::{stage.account_id}:oidc-provider/missing.example.test"
    assert_refused(
        lambda: get(stage, arn),
        code="NoSuchEntity",
        text=f"OpenIDConnect Provider not found for arn {arn}",
        status=404,
    )


def federated(stage: Stage, provider: str, **members: Any) -> dict[str, Any]:
    """A trust statement for a provider that need not exist."""
    return {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{stage.account_id}:oidc-provider/{provider}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        **members,
    }


@scene("11", "own issuer, no Condition")
def own_issuer_without_condition(stage: Stage) -> None:
    statement = federated(stage, f"{stage.name()}.example.test")
    role = stage.create_role([statement])
    got = stage.iam.get_role(RoleName=role.rpartition("/")[2])["Role"]
    assert got["AssumeRolePolicyDocument"]["Statement"] == [statement]


@scene("11", "`gitlab.com/private` (path under a known one; provider does not exist)")
def provider_that_does_not_exist(stage: Stage) -> None:
    assert stage.create_role([federated(stage, "gitlab.com/private")])


@scene("11", "Deny without Condition; TagSession-only Allow")
def statements_that_let_nobody_in(stage: Stage) -> None:
    issuer = f"{stage.name()}.example.test"
    assert stage.create_role([federated(stage, issuer, Effect="Deny")])
    assert stage.create_role([federated(stage, issuer, Action="sts:TagSession")])


@scene("11", "Action `STS:assumerolewithwebidentity` or `sts:*`")
def actions_in_another_spelling(stage: Stage) -> None:
    for action in ("STS:assumerolewithwebidentity", "sts:*"):
        statement = federated(stage, "gitlab.com", Action=action)
        assert_refused(
            lambda statement=statement: stage.create_role([statement]),
            code="MalformedPolicyDocument",
            text="AssumeRole policy may only specify STS AssumeRole actions.",
            status=400,
        )
