"""The harmless calls: what counts as a refusal by IAM, and what says nothing at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from broker.aws.clients import AwsLocation, Clients
from broker.aws.probe import HarmlessCalls
from broker.domain.grants import Access
from broker.domain.sessions import Credentials
from broker.errors import DependencyUnavailable, UpstreamRejected

CREDENTIALS = Credentials(
    access_key_id="ASIAEXAMPLE",
    secret_access_key="secret",
    session_token="token",
    expiration=datetime(2026, 11, 24, 12, tzinfo=UTC),
)
CALLS: Mapping[Access, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    Access.READ: ("ec2", "describe_regions", {"AllRegions": False}, {"Regions": []}),
    Access.CASE: (
        "support",
        "describe_severity_levels",
        {"language": "en"},
        {"severityLevels": []},
    ),
}


class Stubbed(Clients):
    """Clients whose answers are recorded ones."""

    def __init__(self, region: str = "eu-central-1") -> None:
        super().__init__(AwsLocation(region=region), connections=1)
        self.made: list[Any] = []
        self.stubs: list[tuple[str, dict[str, Any]]] = []

    def _client(self, *arguments: Any) -> Any:
        client = super()._client(*arguments)
        stubber = Stubber(client)
        for method, said in self.stubs:
            getattr(stubber, method)(**said)
        stubber.activate()
        self.made.append(client)
        return client


def refused(access: Access, code: str, status: int = 403) -> bool:
    """What is made of this error."""
    clients = Stubbed()
    _, method, _, _ = CALLS[access]
    error = {"method": method, "service_error_code": code, "http_status_code": status}
    clients.stubs.append(("add_client_error", error))
    return HarmlessCalls(clients).is_refused(CREDENTIALS, access)


@pytest.mark.parametrize("access", Access)
def test_an_answer_is_no_refusal(access: Access) -> None:
    """The call is the one that was announced, as small as it can be."""
    clients = Stubbed()
    _, method, expected, answer = CALLS[access]
    said = {"method": method, "service_response": answer, "expected_params": expected}
    clients.stubs.append(("add_response", said))
    assert not HarmlessCalls(clients).is_refused(CREDENTIALS, access)


@pytest.mark.parametrize(
    ("access", "code"),
    [
        (Access.READ, "UnauthorizedOperation"),
        (Access.READ, "AccessDenied"),
        (Access.CASE, "AccessDeniedException"),
    ],
)
def test_iam_refuses(access: Access, code: str) -> None:
    """Each protocol has its own word for it."""
    assert refused(access, code)


def test_an_account_without_a_support_plan_is_let_in() -> None:
    """AWS Support has looked past the permissions; there is just nothing to have."""
    assert not refused(Access.CASE, "SubscriptionRequiredException", status=400)


@pytest.mark.parametrize("code", ["AuthFailure", "InvalidClientTokenId", "ExpiredToken", "OptIn"])
def test_credentials_that_are_not_known_prove_nothing(code: str) -> None:
    """AWS refuses them for what they are, not for what is denied to their role."""
    with pytest.raises(UpstreamRejected):
        refused(Access.READ, code)


@pytest.mark.parametrize(("code", "status"), [("Throttling", 400), ("InternalError", 500)])
def test_an_aws_in_trouble_proves_nothing(code: str, status: int) -> None:
    """It is asked again."""
    with pytest.raises(DependencyUnavailable):
        refused(Access.READ, code, status)


def test_an_aws_out_of_reach_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither does silence."""

    def silent(*_: object, **__: object) -> None:
        raise ConnectTimeoutError(endpoint_url="https://ec2.example.com")

    monkeypatch.setattr("botocore.endpoint.Endpoint._send", silent)
    clients = Clients(AwsLocation(region="eu-central-1"), connections=1)
    with pytest.raises(DependencyUnavailable):
        HarmlessCalls(clients).is_refused(CREDENTIALS, Access.READ)


@pytest.mark.parametrize(
    ("region", "support"),
    [
        ("eu-central-1", "us-east-1"),
        ("cn-northwest-1", "cn-north-1"),
        ("us-gov-east-1", "us-gov-west-1"),
    ],
)
def test_support_is_asked_where_it_is(region: str, support: str) -> None:
    """Once in each partition, whichever Region the broker is in; EC2 in the broker's own."""
    clients = Clients(AwsLocation(region=region), connections=1)
    assert clients.support(CREDENTIALS).meta.region_name == support
    assert clients.ec2(CREDENTIALS).meta.region_name == region
