"""Fetching issuers' documents over real HTTP: what is taken, and what is refused and how."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from broker.sandbox.issuers import openid_fetch
from broker.sandbox.issuers.openid_fetch import (
    MAX_BYTES,
    Discovery,
    DocumentRefusedError,
    IssuerClient,
    IssuerUnreachableError,
)
from tests.integration.sandbox.loopback_issuer import DISCOVERY, Answer, LoopbackIssuers


@pytest.fixture
def client() -> Iterator[IssuerClient]:
    with IssuerClient(timeout=2) as client:
        yield client


def discovery_of(issuers: LoopbackIssuers, client: IssuerClient, **members: Any) -> Discovery:
    """Publish an issuer with these members of its discovery document, and fetch that."""
    return client.discovery(issuers.publish("fetched", [{"kid": "k"}], **members))


def refused(issuers: LoopbackIssuers, client: IssuerClient, answer: Answer) -> None:
    issuers.answers[f"/odd{DISCOVERY}"] = answer
    client.discovery(f"{issuers.origin}/odd")


def test_both_documents_over_one_connection(issuers: LoopbackIssuers, client: IssuerClient) -> None:
    """A second call fetches anew, but need not connect anew."""
    issuer = issuers.publish("pooled", [{"kid": "k"}])
    before = len(issuers.connections)
    for _ in range(3):
        assert client.keys(client.discovery(issuer)) == ({"kid": "k"},)
    assert len(issuers.connections) <= before + 1


def test_one_slash_at_the_end_is_not_doubled(
    issuers: LoopbackIssuers, client: IssuerClient
) -> None:
    issuer = issuers.publish("slash/", [])
    assert client.discovery(issuer).issuer == issuer
    assert issuers.fetched[-1] == f"/slash{DISCOVERY}"


def test_advertised_algorithms(issuers: LoopbackIssuers, client: IssuerClient) -> None:
    listed = discovery_of(issuers, client, id_token_signing_alg_values_supported=["ES256"])
    assert listed.algorithms == {"ES256"}
    assert discovery_of(issuers, client).algorithms == frozenset()


BAD_MEMBERS = {
    "issuer with a slash more": {"issuer": "http://127.0.0.1/fetched/"},
    "issuer missing": {"issuer": None},
    "issuer a list": {"issuer": []},
    "jwks_uri missing": {"jwks_uri": None},
    "jwks_uri relative": {"jwks_uri": "/jwks.json"},
    "jwks_uri without a host": {"jwks_uri": "https:///jwks.json"},
    "jwks_uri over http elsewhere": {"jwks_uri": "http://issuer.example.test/jwks.json"},
    "jwks_uri a file": {"jwks_uri": "file:///etc/passwd"},
    "jwks_uri with user info": {"jwks_uri": "https://user@issuer.example.test/jwks.json"},
    "jwks_uri with a fragment": {"jwks_uri": "https://issuer.example.test/jwks.json#keys"},
    "jwks_uri with an empty fragment": {"jwks_uri": "https://issuer.example.test/jwks.json#"},
    "jwks_uri no URL": {"jwks_uri": "https://issuer.example.test:port/"},
    "algorithms a string": {"id_token_signing_alg_values_supported": "ES256"},
    "algorithms numbers": {"id_token_signing_alg_values_supported": [1]},
}


@pytest.mark.parametrize("members", BAD_MEMBERS.values(), ids=BAD_MEMBERS)
def test_discovery_document_is_refused(
    members: dict[str, Any], issuers: LoopbackIssuers, client: IssuerClient
) -> None:
    with pytest.raises(DocumentRefusedError):
        discovery_of(issuers, client, **members)


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"<html>",
    "not UTF-8": b'{"issuer": "\xff"}',
    "an array": b"[]",
    "a repeated member": b'{"issuer": "a", "issuer": "a"}',
    "trailing text": b"{} {}",
    "nested without end": b"[" * 100_000,
    "a byte more than 1 MiB": b" " * (MAX_BYTES - 1) + b"{}",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_body_is_refused(body: bytes, issuers: LoopbackIssuers, client: IssuerClient) -> None:
    with pytest.raises(DocumentRefusedError):
        refused(issuers, client, Answer(body=body))


BAD_ANSWERS = {
    "204": Answer(status=204),
    "404": Answer(status=404, body=b"{}"),
    "500": Answer(status=500, body=b"{}"),
    "redirect to http": Answer(status=302, headers={"Location": "/elsewhere"}),
    "redirect to another host": Answer(
        status=302, headers={"Location": "https://other.example.test/"}
    ),
    "redirect to nowhere": Answer(status=302),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_answer_counts_as_none(
    answer: Answer, issuers: LoopbackIssuers, client: IssuerClient
) -> None:
    """Anything but HTTP 200 from the issuer's own host."""
    with pytest.raises(IssuerUnreachableError):
        refused(issuers, client, answer)


@pytest.mark.parametrize("keys", [None, {}, "keys", [1], [[]]], ids=repr)
def test_keys_are_a_list_of_objects(
    keys: Any, issuers: LoopbackIssuers, client: IssuerClient
) -> None:
    discovery = discovery_of(issuers, client)
    issuers.answers["/fetched/jwks.json"] = Answer(body=json.dumps({"keys": keys}).encode())
    with pytest.raises(DocumentRefusedError):
        client.keys(discovery)


def test_issuer_that_hangs(issuers: LoopbackIssuers) -> None:
    """The client gives up by itself; here after a tenth of a second, at AWS after five."""
    gate = threading.Event()
    with IssuerClient(timeout=0.1) as impatient, pytest.raises(IssuerUnreachableError):
        refused(issuers, impatient, Answer(body=b"{}", gate=gate))
    gate.set()


def test_issuer_that_drips() -> None:
    """Each piece comes in time, but the whole does not."""
    response = httpx.Response(200, stream=httpx.ByteStream(b"{}"))
    with pytest.raises(IssuerUnreachableError, match="too long"):
        openid_fetch._body(response, deadline=0.0)


def test_nobody_listens(client: IssuerClient) -> None:
    with LoopbackIssuers() as issuers:
        issuer = issuers.publish("gone", [])
    with pytest.raises(IssuerUnreachableError):
        client.discovery(issuer)


NO_HOSTS = (
    "https://999.1.1.1",
    "https://....",
    f"https://{'a' * 70}.test",
    "http://127.0.0.1:99999",
)


@pytest.mark.parametrize("issuer", NO_HOSTS)
def test_name_that_cannot_be_a_host(issuer: str, client: IssuerClient) -> None:
    """Refused like any host that does not answer, before a name service is asked."""
    with pytest.raises(IssuerUnreachableError):
        client.discovery(issuer)


def test_redirect_within_the_host() -> None:
    """Over https and on the same host a redirect is followed."""
    origin = httpx.URL("https://issuer.example.test/a")
    target = httpx.URL("https://issuer.example.test/b")
    assert openid_fetch._redirected(origin, target) == target
    with pytest.raises(IssuerUnreachableError):
        openid_fetch._redirected(origin, target.copy_with(scheme="http"))
