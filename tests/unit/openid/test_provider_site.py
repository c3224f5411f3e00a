"""HTTP to the provider: bounded, never led elsewhere, and quiet about what went wrong."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from broker.domain.identity.browser_sessions import BrowserSecret, Purpose
from broker.domain.identity.openid_provider import CodeRefused, TerminalClient
from broker.errors import DependencyUnavailable
from broker.openid import site as site_module
from broker.openid.code_flow import AuthlibCodeFlow
from broker.openid.provider import ProviderMetadata
from broker.openid.public_client import PublicClient
from broker.openid.site import LARGEST, ProviderSite, Proxies, check_address
from tests.unit.http.dripping import DROP_BY_DROP, dripping

SECRET = BrowserSecret("ab" * 32)

DEEP = b"[" * 100_000
"""Well within the bound of bytes, and deeper than a parser goes."""


@dataclass
class Asked:
    """What one request was."""

    path: str
    headers: Mapping[str, str]
    body: str


@dataclass
class Server:
    """A server that answers every request in one way, and remembers them."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving() -> Iterator[Server]:
    """It, while it runs."""
    told = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length).decode()
            told.asked.append(Asked(self.path, dict(self.headers), body))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told.body)

        do_POST = do_GET  # noqa: N815 - the name that the standard library calls

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing on the terminal."""

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is what is tested."""

    with Quiet(("127.0.0.1", 0), Handler) as running:
        told.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield told
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """The test's own."""
    with serving() as running:
        yield running


@pytest.mark.parametrize("proxies", list(Proxies))
def test_a_document_is_read(server, monkeypatch, proxies):
    """Whatever proxies and netrc the machine is set up with: none of it is used for plain http,
    by which a proxy would read along."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.body = b'{"issuer": "x"}'
    assert ProviderSite(proxies=proxies).document(server.url) == {"issuer": "x"}
    (asked,) = server.asked
    assert "Authorization" not in asked.headers
    assert "Cookie" not in asked.headers


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((200, body) for body in (b"[", b"[]", b'"text"', b"\xff", DEEP)),
        *((status, b"{}") for status in (404, 500)),
    ],
)
def test_anything_else_is_an_outage(server, status, body):
    """Not JSON, no object, or not found."""
    server.status, server.body = status, body
    with pytest.raises(DependencyUnavailable) as refused:
        ProviderSite().document(server.url)
    assert refused.value.code == "sign_in_unavailable"
    assert server.url not in refused.value.public_message


def test_a_redirect_is_not_followed(server):
    """Who answers for the provider is the address that the operator named."""
    with serving() as other:
        server.status, server.headers = 302, {"Location": f"{other.url}/elsewhere"}
        with pytest.raises(DependencyUnavailable):
            ProviderSite().document(server.url)
        assert other.asked == []


def test_an_endless_answer_is_cut_off(server):
    """After a quarter of a mebibyte."""
    server.body = b'{"a": "' + b"x" * (LARGEST + 1) + b'"}'
    with pytest.raises(DependencyUnavailable):
        ProviderSite().document(server.url)


@pytest.mark.parametrize("times", [1, 2])
def test_what_is_packed_is_not_unpacked(server, monkeypatch, times):
    """Packed twice, 30 kilobytes become 20 gigabytes at once: nobody asks for it, nor reads it."""
    unpacked = []
    monkeypatch.setattr(
        "httpx._decoders.GZipDecoder.decode", lambda _, packed: unpacked.append(packed) or b"{}"
    )
    server.headers = {"Content-Encoding": ", ".join(["gzip"] * times)}
    with pytest.raises(DependencyUnavailable):
        ProviderSite().document(server.url)
    assert unpacked == []
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


@DROP_BY_DROP
def test_a_provider_that_answers_drop_by_drop_is_cut_off(monkeypatch, scheme, beginning, drop):
    """Each byte comes in time, and the whole never does."""
    monkeypatch.setattr(site_module, "ALTOGETHER_SECONDS", 0.3)
    with dripping(beginning, drop=drop) as port:
        begun = time.monotonic()
        with pytest.raises(DependencyUnavailable):
            ProviderSite().document(f"{scheme}://127.0.0.1:{port}/")
        assert 0.3 <= time.monotonic() - begun < 2


def test_nobody_listens():
    """An outage, without the machine's words."""
    with pytest.raises(DependencyUnavailable):
        ProviderSite().document("http://127.0.0.1:1/")


@pytest.mark.parametrize(
    "address", ["https://id.example", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"]
)
def test_addresses_that_are_used(address):
    """TLS, or this machine."""
    check_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://id.example",
        "http://127.0.0.1.id.example",
        "http://localhost.id.example",
        "http://0.0.0.0",
        "ftp://id.example",
        "//id.example",
        "https:///path",
        "http://[::1",
        "",
    ],
)
def test_addresses_that_are_not(address):
    """Everything else."""
    with pytest.raises(DependencyUnavailable):
        check_address(address)


@dataclass
class Provider:
    """A provider whose token endpoint is the test's server."""

    endpoint: str
    in_header: bool = True
    names_itself: bool = True
    issuer: str = "https://id.example"

    def metadata(self) -> ProviderMetadata:
        """See OpenIdProvider."""
        return ProviderMetadata(
            authorization_endpoint="https://id.example/auth?tenant=1",
            token_endpoint=f"{self.endpoint}/token",
            jwks_uri="https://id.example/jwks",
            takes_secret_in_header=self.in_header,
            names_itself=self.names_itself,
        )


def flow(provider: Provider) -> AuthlibCodeFlow:
    """The broker's client there."""
    return AuthlibCodeFlow(
        provider,  # type: ignore[arg-type]
        ProviderSite(),
        client_id="broker",
        client_secret=SecretStr("s3cret"),
        redirect_uri="https://broker.example/sign-in/callback",
        scope="openid email",
    )


def test_the_address_to_sign_in_at():
    """Everything that RFC 6749, RFC 7636 and OpenID Connect ask for, and nothing secret."""
    url = urlsplit(flow(Provider("https://id.example")).authorization_url(SECRET))
    assert (url.scheme, url.netloc, url.path) == ("https", "id.example", "/auth")
    question = dict(parse_qsl(url.query, strict_parsing=True))
    challenge = question.pop("code_challenge")
    assert len(challenge) == 43
    assert challenge != SECRET.derived(Purpose.CODE_VERIFIER)
    assert question == {
        "tenant": "1",
        "response_type": "code",
        "client_id": "broker",
        "redirect_uri": "https://broker.example/sign-in/callback",
        "scope": "openid email",
        "state": SECRET.derived(Purpose.STATE),
        "nonce": SECRET.derived(Purpose.NONCE),
        "code_challenge_method": "S256",
    }


@pytest.mark.parametrize("in_header", [True, False])
def test_a_code_is_redeemed(server, in_header):
    """Once, with the verifier, and authenticated as the provider wants it."""
    server.body = json.dumps(
        {"id_token": "a.b.c", "access_token": "secret", "token_type": "Bearer"}
    ).encode()
    assert flow(Provider(server.url, in_header=in_header)).redeem("c0de+/ &", SECRET) == "a.b.c"
    (asked,) = server.asked
    sent = {name: values[0] for name, values in parse_qs(asked.body).items()}
    assert sent.pop("grant_type") == "authorization_code"
    assert sent.pop("code") == "c0de+/ &"
    assert sent.pop("redirect_uri") == "https://broker.example/sign-in/callback"
    assert sent.pop("code_verifier") == SECRET.derived(Purpose.CODE_VERIFIER)
    if in_header:
        assert sent == {}
        assert asked.headers["Authorization"] == "Basic YnJva2VyOnMzY3JldA=="
    else:
        assert sent == {"client_id": "broker", "client_secret": "s3cret"}
        assert "Authorization" not in asked.headers


def test_a_code_that_the_provider_refuses(server):
    """Is the browser's fault, not an outage."""
    server.status, server.body = 400, b'{"error": "invalid_grant"}'
    with pytest.raises(CodeRefused):
        flow(Provider(server.url)).redeem("code", SECRET)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b'{"error": "invalid_client"}'),
        (400, b'{"error": "invalid_grant", "error_description": "\\u0007"}'),
        (400, b'{"error": ["invalid_grant"]}'),
        (200, b'{"access_token": "x", "token_type": "Bearer"}'),
        (200, b'{"id_token": 7, "token_type": "Bearer"}'),
        (200, b"[]"),
        (200, b"<html>"),
        (200, DEEP),
        (502, b"<html>"),
        (503, b"{}"),
    ],
)
def test_a_token_endpoint_that_does_not_work(server, status, body):
    """Nobody is told that their sign-in was wrong where the broker's own client is."""
    server.status, server.body = status, body
    with pytest.raises(DependencyUnavailable) as refused:
        flow(Provider(server.url)).redeem("code", SECRET)
    assert refused.value.code == "sign_in_unavailable"


@pytest.mark.parametrize(
    ("names_itself", "presented", "good"),
    [
        (True, "https://id.example", True),
        (True, "https://evil.example", False),
        (True, None, False),
        (True, "", False),
        (False, None, True),
        (False, "https://id.example", True),
        (False, "https://evil.example", False),
    ],
)
def test_whose_callback_it_is(names_itself, presented, good):
    """RFC 9207, section 2.4: a provider that says that it names itself always does."""
    provider = Provider("https://id.example", names_itself=names_itself)
    assert flow(provider).names_issuer(presented) is good


def test_the_secret_is_in_no_repr():
    """Of nothing that might be logged."""
    assert "s3cret" not in repr(vars(flow(Provider("https://id.example"))))


@pytest.mark.parametrize("body", [b"<html>", b"[]", DEEP, b'{"device_code": "x"}'])
def test_a_device_endpoint_that_does_not_work(server, body):
    """Told as an outage, whatever it answers: the terminal shows no trace."""
    server.body = body
    metadata = {"device_authorization_endpoint": f"{server.url}/device"}
    provider = SimpleNamespace(issuer=server.url, metadata=lambda: SimpleNamespace(**metadata))
    told = TerminalClient(issuer=server.url, client_id="cli", scope="openid")
    with pytest.raises(DependencyUnavailable):
        PublicClient(told, provider, ProviderSite()).begin_device_flow()


@pytest.mark.parametrize(
    ("endpoint", "ask"),
    [
        ("device_authorization_endpoint", PublicClient.begin_device_flow),
        ("revocation_endpoint", lambda client: client.revoke("refresh")),
    ],
)
def test_a_provider_that_is_elsewhere_leads_nobody_to_this_machine(server, endpoint, ask):
    """A stranger's address would have the services of whoever signs in there do something."""
    issuer = "https://id.example"
    provider = SimpleNamespace(
        issuer=issuer, metadata=lambda: SimpleNamespace(**{endpoint: f"{server.url}/do-it"})
    )
    told = TerminalClient(issuer=issuer, client_id="cli", scope="openid")
    with pytest.raises(DependencyUnavailable):
        ask(PublicClient(told, provider, ProviderSite()))
    assert server.asked == []
