"""Where an answer may go, and that it goes nowhere else: every trick with URLs, names and TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from broker.aws.response_url import CloudFormationResponses, hosts_of
from broker.domain.hooks.answers import Delivery
from broker.http import outbound
from broker.http.outbound import (
    AddressFault,
    AddressRefused,
    Destination,
    Outbound,
    OutboundFailed,
    Reach,
    is_public,
)
from tests.unit.aws.authorities import Issued, authority, leaf
from tests.unit.aws.listening import Listener, listening

HOST = "cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com"
KEY = "arn%3Aaws%3Acloudformation%3Aus-east-1%3A111122223333%3Astack/s/1%7CHook%7C2"
QUERY = "X-Amz-Credential=A%2F20260301%2Fus-east-1&X-Amz-Signature=0a'b(c)*d!e~f$,;:@"
TARGET = f"/{KEY}?{QUERY}"
URL = f"https://{HOST}{TARGET}"
REGION = "us-east-1"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as running:
        yield running


@pytest.fixture
def responses(listener: Listener) -> CloudFormationResponses:
    """What is sent goes to the listener, as with the sandbox; all checks stay."""
    return CloudFormationResponses(regions=[REGION], outbound=Outbound(endpoint_url=listener.url))


def test_the_answer_goes_there_byte_for_byte(
    responses: CloudFormationResponses, listener: Listener
) -> None:
    """Method, path and query as they were signed, the host's name, and an empty type."""
    assert responses.objection(URL, region=REGION) is None
    assert responses.deliver(URL, region=REGION, body=b"{}") is Delivery.ACCEPTED
    [sent] = listener.sent
    assert (sent.method, sent.target, sent.body) == ("PUT", TARGET, b"{}")
    assert sent.headers["Host"] == HOST
    assert sent.headers["Content-Type"] == ""
    assert sent.headers["Content-Length"] == "2"


@pytest.mark.parametrize(
    "host",
    [
        "cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
        "cloudformation-custom-resource-response-useast1.s3-us-east-1.amazonaws.com",
        HOST,
    ],
)
def test_every_name_of_the_bucket(host: str, responses: CloudFormationResponses) -> None:
    """S3 has had three."""
    assert responses.objection(f"https://{host}/key?signature", region=REGION) is None


def test_other_partitions_have_their_own_domains() -> None:
    """China's and the sovereign cloud's buckets are found where they are."""
    bucket = "cloudformation-custom-resource-response-"
    assert f"{bucket}cnnorth1.s3.cn-north-1.amazonaws.com.cn" in hosts_of("cn-north-1")
    assert f"{bucket}usgovwest1.s3.us-gov-west-1.amazonaws.com" in hosts_of("us-gov-west-1")
    assert f"{bucket}euscdeeast1.s3.eusc-de-east-1.amazonaws.eu" in hosts_of("eusc-de-east-1")


REFUSED = {
    "metadata": ("http://169.254.169.254/latest/meta-data/", "not_https"),
    "metadata over https": ("https://169.254.169.254/", "not_the_host"),
    "metadata over IPv6": ("https://[fd00:ec2::254]/", "malformed"),
    "localhost": ("https://localhost/", "not_the_host"),
    "loopback": ("https://127.0.0.1/", "not_the_host"),
    "loopback as a number": ("https://2130706433/", "not_the_host"),
    "http": (URL.replace("https:", "http:"), "not_https"),
    "upper case": (URL.replace("https:", "HTTPS:"), "not_https"),
    "a file": ("file:///etc/passwd", "not_https"),
    "nothing": ("", "not_https"),
    "another host": ("https://evil.example/", "not_the_host"),
    "S3, but a bucket of somebody's": (URL.replace("custom-resource", "evil"), "not_the_host"),
    "an older-looking bucket": (
        "https://cloudformation-custom-resource-response-evil1.s3.amazonaws.com/",
        "not_the_host",
    ),
    "another Region's bucket": (URL.replace("useast1", "euwest1"), "not_the_host"),
    "another Region's endpoint": (URL.replace("us-east-1", "eu-west-1"), "not_the_host"),
    "S3 by path": (
        "https://s3.amazonaws.com/cloudformation-custom-resource-response-useast1/key",
        "not_the_host",
    ),
    "a longer host": (URL.replace(".com/", ".com.evil.example/"), "not_the_host"),
    "a prefixed host": (URL.replace("https://", "https://evil."), "not_the_host"),
    "a user": (URL.replace("https://", "https://user@"), "malformed"),
    "a user like the host": (f"https://{HOST}@evil.example/", "malformed"),
    "a backslash": (f"https://evil.example\\@{HOST}/", "malformed"),
    "another port": (URL.replace(".com/", ".com:8443/"), "malformed"),
    "a fragment": (f"https://evil.example#{HOST}/", "malformed"),
    "a fragment behind": (f"{URL}#x", "malformed"),
    "no path": (f"https://{HOST}", "malformed"),
    "upper-case host": (URL.replace("amazonaws", "AMAZONAWS"), "malformed"),
    "a dot behind": (URL.replace(".com/", ".com./"), "not_the_host"),
    "white space": (f" {URL}", "not_https"),
    "a line end": (f"{URL}\n", "malformed"),
    "a header": (f"{URL} HTTP/1.1\r\nX: y", "malformed"),
    "other letters": (URL.replace("s3", "\u0455" + "3"), "malformed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_address_that_is_not_cloudformations(
    name: str, responses: CloudFormationResponses, listener: Listener
) -> None:
    """Refused with its reason when it is taken in, and again when it would be sent to."""
    url, reason = REFUSED[name]
    assert responses.objection(url, region=REGION) == reason
    assert responses.deliver(url, region=REGION, body=b"{}") is Delivery.FAILED
    assert listener.sent == []


def test_a_region_that_is_not_ours(responses: CloudFormationResponses) -> None:
    """Buckets of Regions without a topic of ours may belong to anybody."""
    url = URL.replace("useast1", "euwest1").replace("us-east-1", "eu-west-1")
    assert responses.objection(url, region="eu-west-1") == "not_the_host"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(
    status: int, responses: CloudFormationResponses, listener: Listener
) -> None:
    """It is no delivery, and the address that it names is never asked."""
    listener.status = status
    listener.headers = {"Location": f"{listener.url}/elsewhere"}
    assert responses.deliver(URL, region=REGION, body=b"{}") is Delivery.FAILED
    assert [sent.target for sent in listener.sent] == [TARGET]


@pytest.mark.parametrize("status", [204, 400, 403, 404, 500, 503])
def test_only_an_ok_is_a_delivery(
    status: int, responses: CloudFormationResponses, listener: Listener
) -> None:
    """Everything else is tried again."""
    listener.status = status
    assert responses.deliver(URL, region=REGION, body=b"{}") is Delivery.FAILED


def test_an_endless_answer_is_cut_off(
    responses: CloudFormationResponses, listener: Listener
) -> None:
    """S3 has nothing to say that is so long."""
    listener.body = b"x" * 100_000
    assert responses.deliver(URL, region=REGION, body=b"{}") is Delivery.FAILED


def test_nobody_listens() -> None:
    """No connection is a failed delivery, not an error."""
    nowhere = Outbound(endpoint_url="http://127.0.0.1:1")
    responses = CloudFormationResponses(regions=[REGION], outbound=nowhere)
    assert responses.deliver(URL, region=REGION, body=b"{}") is Delivery.FAILED


PUBLIC = ["52.216.1.1", "3.5.0.1", "2600:1fa0:8000::1", "64:ff9b::34d8:101"]
NOT_PUBLIC = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%2",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_on_the_internet(address: str) -> None:
    """S3 has such."""
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not(address: str) -> None:
    """Networks behind us, and every way to write them."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["52.216.1.1", "169.254.169.254"], []])
def test_a_name_that_leads_behind_us(addresses: list[str]) -> None:
    """One address that is not public is enough: nothing is connected to."""
    found = [ip_address(address) for address in addresses]
    out = Outbound(endpoint_url=None, resolve=lambda *_: found)
    with pytest.raises(AddressRefused) as refused:
        out.send("PUT", Destination(host=HOST, target="/"), largest=10)
    assert refused.value.fault is AddressFault.NOT_PUBLIC


class Rebinding:
    """A name server that is honest once."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[outbound.Address]:
        assert (host, port) == (HOST, 443)
        self.asked += 1
        return [ip_address("52.216.1.1" if self.asked == 1 else "169.254.169.254")]


def test_a_name_is_resolved_once_and_the_connection_made_to_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between check and use nobody is asked again, neither by us nor by the HTTP client."""
    resolve = Rebinding()
    connected: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> None:
        connected.append(address)
        raise OSError("no network in unit tests")

    monkeypatch.setattr("socket.create_connection", connect)
    out = Outbound(endpoint_url=None, resolve=resolve)
    with pytest.raises(OutboundFailed):
        out.send("PUT", Destination(host=HOST, target="/"), largest=10)
    assert connected == [("52.216.1.1", 443)]
    assert resolve.asked == 1


def test_a_name_that_cannot_be_resolved() -> None:
    """A failure like any other."""

    def resolve(host: str, port: int) -> list[outbound.Address]:
        raise OSError(host, port)

    with pytest.raises(OutboundFailed):
        Outbound(endpoint_url=None, resolve=resolve).send(
            "PUT", Destination(host=HOST, target="/"), largest=10
        )


VALID_NOW = (datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1))
ROOT = authority("tls root", valid=VALID_NOW)


def _serving(issued: Issued, folder: Path) -> ssl.SSLContext:
    (folder / "server.pem").write_bytes(issued.pem + issued.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


@pytest.mark.parametrize(
    ("name", "works"), [(HOST, True), ("evil.example", False), ("127.0.0.1.example", False)]
)
def test_tls_is_verified_for_the_hosts_name(
    name: str,
    works: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The connection is to an address, and yet the certificate must be the host's."""
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    monkeypatch.setattr("certifi.where", lambda: str(tmp_path / "root.pem"))
    issued = leaf(ROOT, name, valid=VALID_NOW)
    with listening(_serving(issued, tmp_path)) as listener:
        out = Outbound(endpoint_url=None, resolve=lambda *_: [ip_address("127.0.0.1")])
        to = Destination(host=HOST, port=listener.port, target=TARGET, reach=Reach.LOOPBACK)
        if works:
            assert out.send("PUT", to, body=b"{}", largest=10).status == 200
            assert [(sent.target, sent.headers["Host"]) for sent in listener.sent] == [
                (TARGET, f"{HOST}:{listener.port}")
            ]
        else:
            with pytest.raises(OutboundFailed):
                out.send("PUT", to, body=b"{}", largest=10)
            assert listener.sent == []
