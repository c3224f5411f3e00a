"""`broker ledger verify`: what it says, how it ends, and that it needs nothing of the service."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.cli import broker
from broker.domain.ledger.public_keys import jwks
from tests.serving import serving
from tests.unit.domain.exported_ledgers import KEY, NEXT_KEY, STRANGERS_KEY, Ledger, a_ledger

UNBROKEN, FAILED, USAGE, REFUSED = 0, 1, 2, 3


def run(*arguments: object) -> Result:
    return CliRunner().invoke(broker, ["ledger", "verify", *map(str, arguments)])


@pytest.fixture
def ledger() -> Ledger:
    return a_ledger()


@pytest.fixture
def exported(tmp_path: Path, ledger: Ledger) -> Path:
    return kept(tmp_path / "ledger.jsonl", ledger.lines())


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    """What the issuer publishes today: the key that signs, and an older one no longer."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(jwks([NEXT_KEY.jwk]), indent=1))
    return path


def kept(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"".join(lines))
    return path


def test_it_says_what_is_vouched_for_by_whom(exported: Path, trusted: Path) -> None:
    """By the reader's keys, by keys in the file only, and by nobody yet."""
    run_alone = run(exported)
    assert run_alone.exit_code == UNBROKEN
    assert "Unbroken: entries 1 to 10 of 111122223333" in run_alone.output
    assert "Vouched for only by keys in the file: entries 1 to 8." in run_alone.output
    assert "Vouched for by nobody yet: entries 9 to 10" in run_alone.output
    with_jwks = run(exported, "--jwks", trusted)
    assert with_jwks.exit_code == UNBROKEN
    assert "Vouched for by the JWKS: entries 1 to 8." in with_jwks.output
    assert "only by keys in the file" not in with_jwks.output
    assert f"key {KEY.kid} of the file only" in with_jwks.output
    assert f"key {NEXT_KEY.kid} of the JWKS" in with_jwks.output


def test_it_tells_programs_the_same(exported: Path, trusted: Path) -> None:
    """As JSON, with a verdict."""
    told = json.loads(run(exported, "--jwks", trusted, "--json").output)
    assert (told["verdict"], told["entries"]) == ("unbroken", 10)
    assert told["vouched_through"] == {"jwks": 8, "any": 8}
    assert [(c["seq"], c["key_of"]) for c in told["checkpoints"]] == [(5, "file"), (8, "jwks")]


def test_keys_that_do_not_know_the_last_checkpoint_refuse(exported: Path, tmp_path: Path) -> None:
    """Whoever made the file may have made that checkpoint too."""
    old, strange = tmp_path / "old.json", tmp_path / "strange.json"
    old.write_text(json.dumps(jwks([KEY.jwk])))
    strange.write_text(json.dumps(jwks([STRANGERS_KEY.jwk])))
    for path in (old, strange):
        refused = run(exported, "--jwks", path)
        assert refused.exit_code == REFUSED
        assert "the last checkpoint, of entry 8" in refused.output
    told = run(exported, "--jwks", old, "--json")
    assert '"verdict": "not_vouched_for"' in told.output
    assert run(exported, "--jwks", old, "--jwks", strange).exit_code == REFUSED


def test_without_a_checkpoint_no_key_vouches(tmp_path: Path, trusted: Path) -> None:
    """Alone it is unbroken; against keys it is not vouched for."""
    ledger = Ledger()
    ledger.work(3)
    path = kept(tmp_path / "plain.jsonl", ledger.lines())
    assert "Vouched for by nobody: there is no checkpoint." in run(path).output
    refused = run(path, "--jwks", trusted)
    assert refused.exit_code == REFUSED
    assert "there is no checkpoint in it" in refused.output


def test_the_first_broken_line_is_named_with_its_file(exported: Path, tmp_path: Path) -> None:
    """For people and for programs."""
    lines = exported.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"T-1", b"T-7")
    path = kept(tmp_path / "tampered.jsonl", lines)
    broken = run(path)
    assert broken.exit_code == REFUSED
    assert f"Broken: {path}, line 5: entry 5 was changed after it was written." in broken.output
    told = json.loads(run(path, "--json").output.rpartition("}")[0] + "}")
    assert (told["verdict"], told["file"], told["line"]) == ("broken", str(path), 5)


def test_an_archive_and_the_rest_are_verified_together(
    tmp_path: Path, ledger: Ledger, trusted: Path
) -> None:
    """In their order; in another the second file is at fault."""
    old = kept(tmp_path / "old.jsonl", ledger.lines(through=5))
    rest = kept(tmp_path / "rest.jsonl", ledger.lines(after=5))
    whole = run(old, rest, "--jwks", trusted)
    assert whole.exit_code == UNBROKEN
    assert "entries 1 to 10 of" in whole.output
    part = run(rest, "--jwks", trusted)
    assert part.exit_code == UNBROKEN
    assert "Entry 5 and those before it are not here" in part.output
    reversed_order = run(rest, old)
    assert reversed_order.exit_code == REFUSED
    assert f"{old}, line 1" in reversed_order.output


def test_a_checkpoint_that_was_kept_elsewhere_shows_a_cut(tmp_path: Path, ledger: Ledger) -> None:
    """The customer's bucket has it, whatever became of the ledger."""
    seq, jws = ledger.checkpoints[1]
    copy = tmp_path / f"{seq:016d}.jws"
    copy.write_text(jws)
    whole = kept(tmp_path / "whole.jsonl", ledger.lines())
    assert run(whole, "--checkpoint", copy).exit_code == UNBROKEN
    cut = kept(tmp_path / "cut.jsonl", ledger.lines(through=7))
    assert run(cut).exit_code == UNBROKEN
    shown = run(cut, "--checkpoint", copy)
    assert shown.exit_code == REFUSED
    assert f"{copy}: " in shown.output
    copy.write_bytes(b"\xff" * 20_000)
    assert run(whole, "--checkpoint", copy).exit_code == REFUSED


@pytest.mark.parametrize(
    "text", [b"", b"nothing", b"[]", b'{"keys":[{}]}', b'{"keys":1}', b"\xff", b"[" * 9999]
)
def test_what_is_no_jwks_is_wrong_usage(exported: Path, tmp_path: Path, text: bytes) -> None:
    """And never a verdict."""
    path = tmp_path / "jwks.json"
    path.write_bytes(text)
    refused = run(exported, "--jwks", path)
    assert refused.exit_code == USAGE
    assert "cannot be used" in refused.output


class Issuer(BaseHTTPRequestHandler):
    """An issuer on this machine, and what else may answer at an address."""

    def do_GET(self) -> None:
        match self.path:
            case "/jwks.json":
                self._answer(200, json.dumps(jwks([NEXT_KEY.jwk])).encode())
            case "/moved":
                self._answer(302, b"", Location="/jwks.json")
            case "/huge":
                self._answer(200, b" " * (2 * 1024 * 1024))
            case _:
                self._answer(404, b"")

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def issuer() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Issuer)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_a_jwks_is_fetched_from_its_address(exported: Path, issuer: str) -> None:
    """On this machine over http."""
    assert run(exported, "--jwks", f"{issuer}/jwks.json").exit_code == UNBROKEN


@pytest.mark.parametrize("path", ["/moved", "/huge", "/nothing"])
def test_what_answers_something_else_is_a_failure(exported: Path, issuer: str, path: str) -> None:
    """No redirect is followed, no endless answer read."""
    assert run(exported, "--jwks", issuer + path).exit_code == FAILED


@pytest.mark.parametrize("url", ["http://192.0.2.1/jwks.json", "http://[", "https://a:b/"])
def test_an_address_that_is_not_asked(exported: Path, url: str) -> None:
    """Plain http to another machine, and what is no URL."""
    assert run(exported, "--jwks", url).exit_code == USAGE


def test_nobody_listens(exported: Path) -> None:
    """Told as a failure, to be tried again."""
    assert run(exported, "--jwks", "http://127.0.0.1:9/jwks.json").exit_code == FAILED


_WITHOUT_THE_SERVICE = """
import sys
from broker.cli import broker
try:
    broker(["ledger", "verify", sys.argv[1], "--jwks", sys.argv[2]])
except SystemExit as e:
    assert e.code == 0, e.code
loaded = {name.partition(".")[0] for name in sys.modules}
unwanted = {"flask", "redis", "boto3", "botocore", "httpx", "structlog", "rich"} & loaded
of_ours = {name for name in sys.modules if name.startswith((
    "broker.store", "broker.services", "broker.web", "broker.aws", "broker.wiring", "broker.http"))}
assert not unwanted | of_ours, (unwanted, of_ours)
"""


def test_it_loads_nothing_of_the_service(exported: Path, trusted: Path) -> None:
    """No store, no web framework, no SDK, no HTTP client: whoever verifies needs none of it."""
    alone = subprocess.run(
        [sys.executable, "-c", _WITHOUT_THE_SERVICE, exported, trusted],
        capture_output=True,
        text=True,
        check=False,
    )
    assert alone.returncode == 0, alone.stderr
    assert "Unbroken" in alone.stdout
