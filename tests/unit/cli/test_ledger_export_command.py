"""`broker ledger export`: a file appears once it is whole, whatever the broker answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.cli import broker
from tests.serving import serving
from tests.unit.domain.exported_ledgers import a_ledger

ACCOUNT = "111122223333"
DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 3

LINES = a_ledger().lines()
WHOLE = b"".join(LINES)
SIGNED = json.dumps(
    {
        "account_id": ACCOUNT,
        "seq": 9,
        "hash": "0" * 64,
        "issuer": "https://broker.example.com/oidc/issuer",
        "kid": "key",
        "signed_at": "2026-11-24T12:00:00Z",
        "checkpoint": "e30.e30.AA",
    }
).encode()


class Broker(BaseHTTPRequestHandler):
    """A broker that answers what the test wants, in chunks as a stream comes."""

    protocol_version = "HTTP/1.1"
    pieces: tuple[bytes, ...] = (WHOLE,)
    status = 200
    ends = True
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.status)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in self.pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if self.ends:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append(f"{self.path} {body}")
        self.send_response(201)
        self.send_header("Content-Length", str(len(SIGNED)))
        self.end_headers()
        self.wfile.write(SIGNED)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def handler() -> type[Broker]:
    return type("Answering", (Broker,), {"asked": []})


@pytest.fixture
def url(handler: type[Broker]) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def run(url: str, *arguments: object) -> Result:
    command = ["ledger", "export", "--url", url, "--token", "brk_tests", *map(str, arguments)]
    return CliRunner().invoke(broker, command)


def test_the_file_is_what_was_sent(
    url: str, handler: type[Broker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, for its owner only, under a name of its own; signed first if that is asked."""
    monkeypatch.chdir(tmp_path)
    done = run(url, "--account", ACCOUNT, "--sign")
    assert done.exit_code == DONE, done.output
    path = tmp_path / f"ledger-{ACCOUNT}.jsonl"
    assert path.read_bytes() == WHOLE
    assert path.stat().st_mode & 0o777 == 0o600
    assert handler.asked == [
        f"/v1/ledger/checkpoint {json.dumps({'account_id': ACCOUNT}, separators=(',', ':'))}",
        f"/v1/ledger/export?account_id={ACCOUNT}&after=0",
    ]
    assert list(tmp_path.iterdir()) == [path]


def test_a_part_is_asked_for(url: str, handler: type[Broker], tmp_path: Path) -> None:
    """And without an account the broker's own."""
    assert run(url, "--after", 3, "--through", 9, "--out", tmp_path / "x").exit_code == DONE
    assert handler.asked == ["/v1/ledger/export?after=3&through=9"]


@pytest.mark.parametrize("size", [1, 7, 100, len(WHOLE) - 1])
def test_it_may_come_in_any_pieces(
    url: str, handler: type[Broker], tmp_path: Path, size: int
) -> None:
    """The end is recognised however it is cut."""
    handler.pieces = tuple(WHOLE[at : at + size] for at in range(0, len(WHOLE), size))
    assert run(url, "--out", tmp_path / "x").exit_code == DONE
    assert (tmp_path / "x").read_bytes() == WHOLE


@pytest.mark.parametrize(
    "pieces",
    [(), (b"".join(LINES[:-1]),), (WHOLE[:-1],), (WHOLE, b"x"), (WHOLE, LINES[0])],
    ids=["nothing", "no end", "half an end", "more than the end", "an entry after it"],
)
def test_what_lacks_its_end_leaves_no_file(
    url: str, handler: type[Broker], tmp_path: Path, pieces: tuple[bytes, ...]
) -> None:
    """Though HTTP was satisfied."""
    handler.pieces = pieces
    failed = run(url, "--out", tmp_path / "x")
    assert failed.exit_code == FAILED
    assert "broke off" in failed.output
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_is_cut_leaves_no_file(
    url: str, handler: type[Broker], tmp_path: Path
) -> None:
    """Even right behind the end: who cut it may have cut more."""
    handler.ends = False
    failed = run(url, "--out", tmp_path / "x")
    assert failed.exit_code == FAILED
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_told(url: str, handler: type[Broker], tmp_path: Path) -> None:
    """With its code, and without a file."""
    handler.status = 403
    problem = {"detail": "Your roles do not allow it.", "code": "forbidden", "request_id": "r"}
    handler.pieces = (json.dumps(problem).encode(),)
    refused = run(url, "--out", tmp_path / "x")
    assert refused.exit_code == REFUSED
    assert "[forbidden]" in refused.output
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_written_over(url: str, handler: type[Broker], tmp_path: Path) -> None:
    """An older export stays what it is, and nobody is asked for anything."""
    path = tmp_path / "x"
    path.write_text("old")
    assert run(url, "--out", path).exit_code == USAGE
    assert run(url, "--out", tmp_path / "no" / "folder").exit_code == USAGE
    assert run(url, "--sign").exit_code == USAGE
    assert path.read_text() == "old"
    assert handler.asked == []
