"""Fetching as AWS does: no redirect followed, no waiting past its patience, no endless answer."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broker.aws.issuer_site import LARGEST, HttpIssuerSite
from broker.domain.diagnosis.issuer import Certificate, Fetched, Unreachable

SITE = HttpIssuerSite(patience=timedelta(seconds=0.5))
Handle = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def serving(handle: Handle, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The URL of a server that answers each GET by `handle`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            handle(self)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing on the terminal."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is what is tested."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            scheme = "http" if tls is None else "https"
            yield f"{scheme}://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def answer(status: int, body: bytes = b"{}", **headers: str) -> Handle:
    """Answer with this."""

    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return handle


def test_an_answer_as_it_is() -> None:
    """Status, what caches may do, the body, and how long it took."""
    with serving(answer(200, b'{"a": 1}', Cache_Control="max-age=300")) as url:
        fetched = SITE.fetch(f"{url}/jwks.json")
    assert isinstance(fetched, Fetched)
    assert (fetched.status, fetched.body) == (200, b'{"a": 1}')
    assert fetched.cache_control == "max-age=300"
    assert timedelta(0) < fetched.took < timedelta(seconds=0.5)


def test_a_redirect_is_told_and_not_followed() -> None:
    """Whatever it points at is not asked."""
    asked = []

    def elsewhere(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        answer(200)(request)

    with serving(elsewhere) as other, serving(answer(302, Location=f"{other}/x")) as url:
        fetched = SITE.fetch(url)
    assert isinstance(fetched, Fetched)
    assert (fetched.status, fetched.location) == (302, f"{other}/x")
    assert asked == []


def test_nobody_is_asked_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment would show what it sees, not what AWS does."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with serving(answer(200)) as url:
        assert isinstance(SITE.fetch(url), Fetched)


def test_no_credentials_go_along() -> None:
    """A stranger has none."""
    seen: list[str] = []

    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        seen.extend(name.lower() for name in request.headers)
        answer(200)(request)

    with serving(handle) as url:
        SITE.fetch(url)
    assert not {"authorization", "cookie"} & set(seen)


@pytest.mark.parametrize("parts", [0, 1000])
def test_patience_ends(parts: int) -> None:
    """Also with a server that sends a byte now and then."""
    released = threading.Event()

    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        if parts:
            request.send_response(200)
            request.end_headers()
        for _ in range(parts):
            request.wfile.write(b" ")
            if released.wait(0.05):
                return
        released.wait(10)

    with serving(handle) as url:
        fetched = SITE.fetch(url)
        released.set()
    assert isinstance(fetched, Unreachable)
    assert "within 0.5 s" in fetched.reason


def test_an_endless_answer_is_cut() -> None:
    """Ours have two thousand bytes."""
    with serving(answer(200, b" " * (LARGEST + 1))) as url:
        fetched = SITE.fetch(url)
    assert fetched == Unreachable("It is larger than 64 KiB.")


def test_what_is_packed_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed twice, 30 kilobytes become 20 gigabytes at once: nobody asks for it, nor reads it."""
    unpacked: list[bytes] = []
    monkeypatch.setattr(
        "httpx._decoders.GZipDecoder.decode", lambda _, packed: unpacked.append(packed) or b"{}"
    )
    asked = []

    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(request.headers["Accept-Encoding"])
        answer(200, b"packed", Content_Encoding="gzip, gzip")(request)

    with serving(handle) as url:
        fetched = SITE.fetch(url)
    assert isinstance(fetched, Fetched)
    assert (fetched.body, unpacked, asked) == (b"packed", [], ["identity"])


def test_nobody_there() -> None:
    """A port that nobody listens on, a name that nobody has, and what is no HTTP."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    unreachable = Unreachable("No connection to it could be made.")
    assert SITE.fetch(f"http://127.0.0.1:{port}") == unreachable

    def rude(request: http.server.BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"SSH-2.0-x\r\n")

    with serving(rude) as url:
        fetched = SITE.fetch(url)
    assert fetched == Unreachable("The connection broke before the answer was whole.")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=40))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def tls(certificate: Path) -> ssl.SSLContext:
    """A server's side of TLS with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_chain_that_nobody_vouches_for(certificate: Path) -> None:
    """Told as that, and not as a server that is away."""
    with serving(answer(200), tls(certificate)) as url:
        fetched, seen = SITE.fetch(url), SITE.certificate(url)
    assert fetched == Unreachable("Its certificate cannot be verified.")
    assert isinstance(seen, Unreachable)
    assert seen.reason.startswith("Its chain is not valid: self-signed certificate")


def test_a_chain_that_is_vouched_for(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end, and that a loopback address is none of the internet."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(answer(200), tls(certificate)) as url:
        seen = SITE.certificate(url)
        elsewhere = SITE.certificate(url.replace("localhost", "127.0.0.1"))
    assert isinstance(seen, Certificate)
    assert 38 <= (seen.expires_at - datetime.now(UTC)).days <= 40
    assert not seen.is_public
    assert isinstance(elsewhere, Unreachable)
    assert "mismatch" in elsewhere.reason


def test_a_server_without_tls() -> None:
    """It speaks, but not that."""
    with serving(answer(200)) as url:
        seen = SITE.certificate(url.replace("http://", "https://"))
    assert seen == Unreachable("The server does not speak TLS as it should.")
