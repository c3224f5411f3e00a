"""The way into the console: whom it asks, where it leads, and that nobody repeats its secrets."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader
from botocore.session import get_session

from broker import logs
from broker.aws.clients import AwsLocation
from broker.aws.signin import DOMAINS, FederatedConsole
from broker.domain.console import ConsolePage, SessionKeys
from broker.domain.identifiers import ServiceName
from broker.errors import (
    BrokerError,
    Conflict,
    DependencyUnavailable,
    InvalidRequest,
    UpstreamRejected,
)
from broker.http.outbound import Outbound
from tests.unit.aws.listening import Listener, listening

SECRET, SESSION_TOKEN, SIGN_IN_TOKEN = "cAnArY+secret/", "cAnArY/session==", "cAnArY-sign-in_&="
KEYS = SessionKeys(
    access_key_id="ASIA0123456789ABCDEF", secret_access_key=SECRET, session_token=SESSION_TOKEN
)
PUBLIC_URL = "https://broker.vendor.example"
PAGE = "https://us-east-1.console.aws.amazon.com/ec2/home?region=us-east-1"
GOOD = json.dumps({"SigninToken": SIGN_IN_TOKEN}).encode()
REGIONS = {"aws": "eu-west-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


def console(
    region: str = "us-east-1", *, endpoint_url: str | None = None, outbound: Outbound | None = None
) -> FederatedConsole:
    return FederatedConsole(
        outbound or Outbound(endpoint_url=None),
        location=AwsLocation(region=region),
        issuer=PUBLIC_URL,
        endpoint_url=endpoint_url,
    )


@pytest.fixture
def aws() -> Iterator[Listener]:
    """What answers in the place of AWS, for now well."""
    with listening() as listener:
        listener.body = GOOD
        yield listener


def test_the_endpoint_is_asked_as_documented(aws: Listener) -> None:
    """Action and Session, and no SessionDuration; nothing in a body."""
    console(endpoint_url=aws.url).sign_in_url(KEYS, PAGE)
    [sent] = aws.sent
    path, _, query = sent.target.partition("?")
    asked = dict(parse_qsl(query, strict_parsing=True))
    assert (sent.method, path, sent.body) == ("GET", "/federation", b"")
    assert asked.keys() == {"Action", "Session"}
    assert asked["Action"] == "getSigninToken"
    assert json.loads(asked["Session"]) == {
        "sessionId": KEYS.access_key_id,
        "sessionKey": SECRET,
        "sessionToken": SESSION_TOKEN,
    }


def test_the_url_signs_in_at_the_same_host(aws: Listener) -> None:
    """Action, Issuer, Destination and SigninToken; it lives fifteen minutes and does not print."""
    made = console(endpoint_url=aws.url).sign_in_url(KEYS, PAGE)
    assert made.url.startswith(f"{aws.url}/federation?")
    assert dict(parse_qsl(urlsplit(made.url).query, strict_parsing=True)) == {
        "Action": "login",
        "Issuer": PUBLIC_URL,
        "Destination": PAGE,
        "SigninToken": SIGN_IN_TOKEN,
    }
    assert made.lives.total_seconds() == 900
    assert "cAnArY" not in repr(made) + repr(KEYS)


@pytest.mark.parametrize(("partition", "region"), REGIONS.items())
def test_each_partition_has_its_own_hosts(partition: str, region: str) -> None:
    """Asked at the partition's host, and led to a page of its console."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list:
        asked.append(f"{host}:{port}")
        raise OSError

    there = console(region, outbound=Outbound(endpoint_url=None, resolve=resolve))
    page = ConsolePage(service=ServiceName.parse("s3"))
    address = there.address(page)
    domains = DOMAINS[partition]
    assert address == f"https://{region}.{domains.console}/s3/home?region={region}"
    with pytest.raises(DependencyUnavailable):
        there.sign_in_url(KEYS, address)
    assert asked == [f"{domains.sign_in}:443"]


def test_the_sign_in_hosts_are_those_of_botocores_data() -> None:
    """Its rules know the same hosts with a Region in front."""
    loader = Loader()
    provider = EndpointProvider(
        loader.load_service_model("signin", "endpoint-rule-set-1"),
        get_session().get_data("partitions"),
    )
    for partition, region in REGIONS.items():
        found = provider.resolve_endpoint(Region=region, UseFIPS=False, UseDualStack=False)
        assert found.url == f"https://{region}.{DOMAINS[partition].sign_in}"
    assert DOMAINS.keys() == REGIONS.keys()


@pytest.mark.parametrize("region", ["eusc-de-east-1", "us-iso-east-1"])
def test_a_partition_without_a_known_console_is_refused(region: str) -> None:
    """A guess would send a sign-in token to a host that nobody has seen."""
    with pytest.raises(Conflict) as refused:
        console(region).address(ConsolePage())
    assert refused.value.code == "console_unknown"
    assert console(region).origins == ()


def test_without_a_service_it_is_the_home_page() -> None:
    """In the broker's own Region, or the one that is asked for."""
    there = console("eu-west-1")
    home = "https://{0}.console.aws.amazon.com/console/home?region={0}"
    assert there.address(ConsolePage()) == home.format("eu-west-1")
    assert there.address(ConsolePage(region="ap-south-1")) == home.format("ap-south-1")


@pytest.mark.parametrize(
    "region",
    [
        *("cn-north-1", "us-gov-west-1", "us-moon-1", "aws-global", "evil.example/", "", "@evil"),
        *("us-east-1.evil.example#", "US-EAST-1", "us-east-1\n", "../us-east-1", "us-east-1@evil"),
    ],
)
def test_only_regions_of_the_partition_are_led_to(region: str) -> None:
    """Whatever else stands there could be part of another host's address."""
    page = ConsolePage(service=ServiceName.parse("ec2"), region=region)
    if not region:
        assert console().address(page).startswith("https://us-east-1.console.")
        return
    with pytest.raises(InvalidRequest) as refused:
        console().address(page)
    assert [problem.field for problem in refused.value.problems] == ["region"]


def test_every_page_is_on_a_host_of_the_console() -> None:
    """For every Region of the partition, and any service that the contract lets through."""
    for region in get_session().get_available_regions("ec2"):
        for service in ("ec2", "console", "a-b-c", "0"):
            page = ConsolePage(service=ServiceName.parse(service), region=region)
            url = urlsplit(console().address(page))
            assert (url.scheme, url.netloc) == ("https", f"{region}.console.aws.amazon.com")


def test_the_origins_are_what_a_page_must_let_a_form_lead_to() -> None:
    """Sign-in and console, each with its Regions; the operator's own host in front."""
    usual = (
        "https://signin.aws.amazon.com",
        "https://*.signin.aws.amazon.com",
        "https://console.aws.amazon.com",
        "https://*.console.aws.amazon.com",
    )
    own = "https://signin.vendor.example"
    assert console().origins == usual
    assert console(endpoint_url=own).origins == (own, *usual)


ODD: dict[str, tuple[int, bytes]] = {
    "bad request": (400, b"Invalid credentials parameter"),
    "forbidden": (403, b"no"),
    "a redirect": (302, b""),
    "created": (201, GOOD),
    "nothing": (200, b""),
    "a page": (200, b"<html>cAnArY</html>"),
    "no object": (200, b'["cAnArY"]'),
    "another member": (200, b'{"signinToken": "x"}'),
    "a number": (200, b'{"SigninToken": 1}'),
    "empty": (200, b'{"SigninToken": ""}'),
    "a line break": (200, b'{"SigninToken": "a\\nb"}'),
    "far too long": (200, json.dumps({"SigninToken": "x" * 16001}).encode()),
    "deep": (200, b"[" * 30_000),
    "not UTF-8": (200, b'{"SigninToken": "\xff"}'),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_sign_in_token_is_a_refusal(aws: Listener, kind: str) -> None:
    """502 in our words, with no cause that could show AWS's."""
    aws.status, aws.body = ODD[kind]
    with pytest.raises(UpstreamRejected) as refused:
        console(endpoint_url=aws.url).sign_in_url(KEYS, PAGE)
    assert refused.value.code == "refused_by_aws"
    assert refused.value.__cause__ is None
    assert len(aws.sent) == 1


@pytest.mark.parametrize(
    ("status", "body"), [(429, b""), (500, b""), (503, GOOD), (200, b" " * 100_000 + GOOD)]
)
def test_a_failure_may_pass(aws: Listener, status: int, body: bytes) -> None:
    """503: the same request may succeed later. An endless answer is cut off."""
    aws.status, aws.body = status, body
    with pytest.raises(DependencyUnavailable) as failed:
        console(endpoint_url=aws.url).sign_in_url(KEYS, PAGE)
    assert failed.value.code == "aws_unavailable"


def test_nobody_answers() -> None:
    """No connection is a failure like any other."""
    with pytest.raises(DependencyUnavailable):
        console(endpoint_url="http://127.0.0.1:1").sign_in_url(KEYS, PAGE)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log at its most talkative, as production writes it."""
    root = logging.getLogger()
    kept = (root.handlers, root.level, sys.stderr)
    sys.stderr = written = io.StringIO()
    logs.configure("debug")
    yield written
    root.handlers, root.level, sys.stderr = kept


@pytest.mark.parametrize(
    "answer", [(200, GOOD), (400, b"cAnArY"), (500, b"cAnArY"), (200, b'{"x": "cAnArY"}'), None]
)
def test_no_log_and_no_error_repeats_the_request(
    aws: Listener, log: io.StringIO, answer: tuple[int, bytes] | None
) -> None:
    """HTTP clients like to log the URLs that they ask for, and errors to carry them."""
    endpoint_url = "http://127.0.0.1:1" if answer is None else aws.url
    aws.status, aws.body = answer or (200, GOOD)
    logger = logging.getLogger("test")
    try:
        console(endpoint_url=endpoint_url).sign_in_url(KEYS, PAGE)
    except BrokerError:
        logger.exception("failed")
    assert log.getvalue()
    for part in (SECRET, SESSION_TOKEN, SIGN_IN_TOKEN, "cAnArY", "federation?"):
        assert part not in log.getvalue()
