"""How asking fails: as errors of the client's own, which the shell turns into exit codes."""

from __future__ import annotations

import itertools
import json
import socket

import click
import httpx
import pytest
from pydantic import ValidationError

from broker.cli.failures import CommandFailed, ExitCode, told_by_the_shell
from broker.client.broker import Broker
from broker.client.errors import (
    BadAddress,
    BadCredential,
    BrokeOff,
    NotABroker,
    ProblemAnswered,
    TimedOut,
    Unreachable,
)
from broker.contract.grants import GrantBody
from broker.contract.ledger import ExportQuery

URL = "https://broker.example.com"
SECRET = "brk_s3cret"
ME = {
    "subject": "jane@vendor.example",
    "roles": ["engineer"],
    "account_ids": [],
    "actions": ["accounts:read"],
    "signed_in_by": "api_token",
    "session_expires_at": None,
    "csrf_token": None,
}


def problem(status, code, **members):
    """A problem document as the broker answers it."""
    told = {"detail": "A sentence.", "code": code, "request_id": "r", **members}
    return httpx.Response(status, json=told)


def broker_that(*answers):
    """A client of a broker that answers these, one after the other, and then as the last."""
    left = list(answers)

    def handle(_):
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Broker(URL, SECRET, transport=httpx.MockTransport(handle))


def told(error):
    """What the shell makes of an error."""
    with pytest.raises(click.ClickException) as failed, told_by_the_shell():
        raise error
    return failed.value


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (400, "invalid_request", ExitCode.USAGE),
        (401, "unauthenticated", ExitCode.REFUSED),
        (403, "not_assigned", ExitCode.REFUSED),
        (429, "rate_limited", ExitCode.FAILED),
        (502, "refused_by_aws", ExitCode.FAILED),
        (503, "store_unavailable", ExitCode.FAILED),
    ],
)
def test_the_exit_code_says_whether_asking_again_may_help(status, code, exit_code):
    """3 is a no; 1 is trouble, or a limit; 2 is for what was typed."""
    with broker_that(problem(status, code)) as broker, pytest.raises(ProblemAnswered) as answered:
        broker.show_self()
    failed = told(answered.value)
    assert isinstance(failed, CommandFailed)
    assert (failed.exit_code, failed.code) == (exit_code, code)
    assert failed.format_message() == f"A sentence. (request r) [{code}]"


def test_what_a_problem_says_more_is_there():
    """The id of the grant that was requested, what a limit counts, when to come again."""
    with (
        broker_that(problem(403, "grant_required", grant_id="gr-1", retry_after=3)) as broker,
        pytest.raises(ProblemAnswered) as answered,
    ):
        broker.show_self()
    assert answered.value.members["grant_id"] == "gr-1"
    assert answered.value.members["retry_after"] == 3
    assert (answered.value.status, answered.value.request_id) == (403, "r")


def test_a_broker_that_is_too_busy_is_asked_again(monkeypatch):
    """Nothing has happened there yet; a little apart from others who were sent away."""
    waits = []
    monkeypatch.setattr("broker.client.connection.time.sleep", waits.append)
    busy = problem(503, "too_busy")
    with broker_that(busy, busy, busy, httpx.Response(200, json=ME)) as broker:
        assert broker.show_self().subject == "jane@vendor.example"
    assert len(waits) == 3
    assert all(1 <= wait <= 2 for wait in waits)


def test_not_for_ever(monkeypatch):
    """Whoever waits wants to know in the end."""
    waits = []
    monkeypatch.setattr("broker.client.connection.time.sleep", waits.append)
    with (
        broker_that(problem(503, "too_busy")) as broker,
        pytest.raises(ProblemAnswered, match="too_busy"),
    ):
        broker.show_self()
    assert len(waits) == 8


def test_members_of_a_newer_broker_are_passed_over():
    """A client goes on working when the broker learns to tell more."""
    with broker_that(httpx.Response(200, json={**ME, "shoe_size": 43})) as broker:
        assert broker.show_self().roles == ["engineer"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>Welcome</html>"),
        httpx.Response(200, json={**ME, "roles": "s3cret"}),
        httpx.Response(200, json=[]),
        httpx.Response(302, headers={"Location": "https://elsewhere.example"}),
        httpx.Response(404, json=["s3cret"]),
    ],
)
def test_something_else_is_no_broker(answer):
    """And what it said is repeated nowhere, also not by the error behind the error."""
    with broker_that(answer) as broker, pytest.raises(NotABroker) as failed:
        broker.show_self()
    error = failed.value
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert "s3cret" not in str(error)
    assert told(error).exit_code == ExitCode.FAILED
    assert told(error).format_message().endswith("like a broker. Is BROKER_URL right?")


def exported(broker):
    """The ledger, piece by piece."""
    with broker.export_ledger(ExportQuery()) as pieces:
        return list(pieces)


@pytest.mark.parametrize(
    ("ask", "status"), [(Broker.show_self, 200), (Broker.show_self, 500), (exported, 500)]
)
def test_an_answer_without_an_end_is_no_brokers(monkeypatch, ask, status):
    """It would fill the memory of whoever asked at the wrong address."""
    monkeypatch.setattr("broker.client.connection.LARGEST", 1000)
    endless = httpx.Response(status, content=itertools.repeat(b"{" * 100))
    with broker_that(endless) as broker, pytest.raises(NotABroker):
        ask(broker)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("ask", [Broker.show_self, exported])
def test_what_is_packed_is_not_unpacked(monkeypatch, status, ask):
    """Packed twice, 30 kilobytes become 20 gigabytes at once: nobody asks for it, nor reads it."""
    unpacked, asked = [], []
    monkeypatch.setattr(
        "httpx._decoders.GZipDecoder.decode", lambda _, packed: unpacked.append(packed) or b"{}"
    )

    def handle(request):
        asked.append(request.headers["Accept-Encoding"])
        packed = httpx.ByteStream(b"packed")
        return httpx.Response(status, headers={"Content-Encoding": "gzip, gzip"}, stream=packed)

    broker = Broker(URL, SECRET, transport=httpx.MockTransport(handle))
    with broker, pytest.raises(NotABroker):
        ask(broker)
    assert (unpacked, asked) == ([], ["identity"])


def test_no_proxy_reads_what_is_plain(monkeypatch):
    """Plain http is for this machine; a proxy elsewhere would see the credential go by."""
    with socket.create_server(("127.0.0.1", 0)) as proxy, socket.create_server(("", 0)) as gone:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, address)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        port = gone.getsockname()[1]
        gone.close()
        with Broker(f"http://127.0.0.1:{port}", SECRET) as broker, pytest.raises(Unreachable):
            broker.show_self()
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ConnectError("refused"), Unreachable),
        (httpx.RemoteProtocolError("cut"), Unreachable),
        (httpx.ReadTimeout("slow"), TimedOut),
        (httpx.ConnectTimeout("slow"), TimedOut),
    ],
)
def test_trouble_on_the_way_is_told_as_such(raised, kind):
    """Nobody said no: exit code 1."""
    with broker_that(raised) as broker, pytest.raises(kind) as failed:
        broker.show_self()
    assert told(failed.value).exit_code == ExitCode.FAILED


def test_a_stream_is_refused_before_it_begins_and_may_break_off():
    """The two are told apart: a no, and a part of an answer."""
    with (
        broker_that(problem(403, "forbidden")) as broker,
        pytest.raises(ProblemAnswered),
        broker.export_ledger(ExportQuery()),
    ):
        pass

    def cut():
        yield b"one"
        raise httpx.RemoteProtocolError("cut")

    stream = httpx.Response(200, content=cut())
    with (
        broker_that(stream) as broker,
        pytest.raises(BrokeOff) as failed,
        broker.export_ledger(ExportQuery()) as pieces,
    ):
        list(pieces)
    assert told(failed.value).format_message().endswith("broke off. Try again.")


@pytest.mark.parametrize(
    "url",
    ["broker.example.com", "http://", "ftp://127.0.0.1", "http://a:b", "https://x:y@b.example"],
)
def test_what_is_no_address_is_not_asked(url):
    """A name and a password in it would take the credential's place, and are not repeated."""
    with pytest.raises(BadAddress) as failed:
        Broker(url, SECRET)
    assert "x:y" not in str(failed.value)
    assert told(failed.value).exit_code == ExitCode.USAGE


@pytest.mark.parametrize("spoiling", ["\n", " ", "\u00e9", "\x1b[2J"])
def test_what_is_no_credential_is_not_sent_and_not_repeated(spoiling):
    """A line break copied with it is told as such."""
    with pytest.raises(BadCredential) as failed:
        Broker(URL, f"{SECRET}{spoiling}")
    assert SECRET not in str(failed.value)
    assert told(failed.value).exit_code == ExitCode.USAGE


def test_a_client_does_not_print_its_credential():
    """It ends in logs and in tracebacks with locals."""
    with broker_that(httpx.Response(200, json=ME)) as broker:
        assert SECRET not in repr(broker)
        assert URL in repr(broker)


@pytest.mark.parametrize("spoilt", ["", ".", ".."])
def test_an_id_stays_one_part_of_the_address(spoilt):
    """What would lead to another address is not asked."""
    with broker_that(httpx.Response(200, json=ME)) as broker, pytest.raises(ValueError, match="id"):
        broker.revoke_api_token(spoilt)


def test_an_id_is_escaped():
    """Whoever passes text of others asks for nothing else by it."""
    asked = []

    def handle(request):
        asked.append(request.url.raw_path)
        return httpx.Response(204)

    with Broker(URL, SECRET, transport=httpx.MockTransport(handle)) as broker:
        broker.revoke_api_token("../me?x#y")
    assert asked == [b"/v1/tokens/..%2Fme%3Fx%23y"]


def test_a_body_that_cannot_be_is_wrong_usage():
    """The member and its rule, as the broker would say it; what was typed is not repeated."""
    given = {"account_id": "111122223333", "ticket": "T-1", "reason": "s3cret\n"}
    with pytest.raises(ValidationError) as invalid:
        GrantBody.model_validate_json(json.dumps(given))
    failed = told(invalid.value)
    assert failed.exit_code == ExitCode.USAGE
    assert "`reason`: must be one line" in failed.format_message()
    assert "s3cret" not in failed.format_message()
