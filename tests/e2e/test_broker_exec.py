"""`broker exec`: who gets the credentials, who does not, and what is said when access ends."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.programs import PATIENCE, Ran, aws_environment, environment_of, run
from tests.e2e.screen import RUNS, Screen
from tests.e2e.talking import Talking, talking
from tests.e2e.world import ENGINEER, METADATA, TICKET, World

ASKING = """
import http.client, json, os, sys, urllib.parse
from concurrent.futures import ThreadPoolExecutor
at = urllib.parse.urlsplit(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
def ask(method="GET", path=at.path, host=at.netloc, token=None):
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host)
    if token != "":
        ours = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        connection.putheader("Authorization", token or ours)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, dict(answer.headers), json.loads(answer.read() or b"null")
for line in sys.stdin:
    asked = json.loads(line)
    with ThreadPoolExecutor(asked.pop("threads", 1)) as pool:
        times = pool._max_workers
        answers = list(pool.map(lambda _: ask(**asked), range(times)))
    print(json.dumps(answers if times > 1 else answers[0]), flush=True)
"""
"""A COMMAND that asks the endpoint whatever a line says."""


def environment(world: World) -> dict[str, str]:
    own = {"BROKER_URL": world.stage.url, "BROKER_TOKEN": world.engineer.api_token}
    return {**aws_environment(world.stage.sandbox.url), **own}


def broker_exec(world: World, ticket: str, *command: str, options: tuple[str, ...] = ()) -> Ran:
    words = ("--account", METADATA, "--ticket", ticket, *options, "--", *command)
    return run("broker", "exec", *words, home=world.home, environment=environment(world))


@contextmanager
def asking(world: World, ticket: str, **variables: str) -> Iterator[Talking]:
    words = ("--account", METADATA, "--ticket", ticket, "--", sys.executable, "-c", ASKING)
    around = {**environment(world), **variables}
    with talking("broker", "exec", *words, home=world.home, environment=around) as talk:
        yield talk


def told(talk: Talking, **asked: Any) -> Any:
    return json.loads(talk.answer(json.dumps(asked)))


def sessions_of(world: World, ticket: str) -> list[dict[str, Any]]:
    listed = world.engineer.ask("GET", "/v1/sessions?limit=200")["items"]
    return [session for session in listed if session["ticket"] == ticket]


def test_command_gets_what_the_protocol_says_and_nothing_else(world: World) -> None:
    """Four members, the end exactly as STS said it, and no cache may keep them."""
    with asking(world, TICKET) as talk:
        status, headers, given = told(talk)
        assert talk.ended() == (0, "")
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert set(given) == {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    element = world.wire.credentials_element(given["AccessKeyId"])
    assert f"<Expiration>{given['Expiration']}</Expiration>" in element
    keys = {
        "access_key_id": given["AccessKeyId"],
        "secret_access_key": given["SecretAccessKey"],
        "session_token": given["Token"],
    }
    assert f"{ENGINEER}@{TICKET}-" in world.client("sts", keys).get_caller_identity()["Arn"]


def test_nobody_else_gets_anything(world: World) -> None:
    """Others on the machine can reach the port: without path, secret and host there is nothing."""
    with asking(world, TICKET) as talk:
        for asked, expected in (
            ({"token": "wrong"}, 403),
            ({"token": ""}, 403),
            ({"path": "/"}, 404),
            ({"path": "/../etc/passwd"}, 404),
            ({"host": "evil.example"}, 421),
            ({"host": "localhost"}, 421),
            ({"method": "POST"}, 405),
            ({"method": "HEAD"}, 405),
            ({"method": "OPTIONS"}, 405),
        ):
            status, _, answer = told(talk, **asked)
            assert status == expected, asked
            assert answer is None or set(answer) == {"Code", "Message"}, asked
        assert told(talk)[0] == 200


def test_many_threads_get_one_session(world: World) -> None:
    """What an SDK's threads ask at once costs one session, and one entry for the customer."""
    ticket = world.ticket("T-exec-threads", METADATA)
    with asking(world, ticket) as talk:
        answers = told(talk, threads=8)
    assert {status for status, _, _ in answers} == {200}
    (session,) = sessions_of(world, ticket)
    assert {given["AccessKeyId"] for _, _, given in answers} == {session["access_key_id"]}


def test_a_ticket_that_is_closed_ends_access_and_says_so(world: World) -> None:
    """COMMAND hears why at its next request, the AWS CLI shows it, the terminal has it once."""
    ticket = world.ticket("T-exec-closed", METADATA)
    with asking(world, ticket) as talk:
        assert told(talk)[0] == 200
        world.ticket(ticket, METADATA, status="closed")
        deadline = time.monotonic() + PATIENCE
        while (answer := told(talk))[0] == 200:
            # The worker has to see to it first; nobody does here, so the session is ended for it.
            world.callers.admin.ask("POST", "/v1/revocations", {"ticket": ticket, "reason": "x"})
            assert time.monotonic() < deadline
            time.sleep(1)
        status, _, problem = answer
        assert (status, problem["Code"]) == (403, "ticket_closed")
        assert problem["Message"] == f"Ticket {ticket} was closed. [ticket_closed]"
        assert told(talk)[0] == 403
        code, err = talk.ended()
    assert code == 0
    assert err == (f"broker exec: Access has ended: Ticket {ticket} was closed. [ticket_closed]\n")


def test_a_refusal_starts_nothing(world: World) -> None:
    """Exit code 3 and the broker's sentence, before COMMAND could do anything."""
    ticket = world.ticket("T-exec-refused", METADATA, status="closed")
    ran = broker_exec(world, ticket, "touch", "started")
    assert (ran.status, ran.out) == (3, "")
    assert "The ticket is closed." in ran.err
    assert not (world.home / "started").exists()


@pytest.mark.parametrize(
    ("command", "status"),
    [(("sh", "-c", "exit 7"), 7), (("no-such-command",), 127), (("/etc/passwd",), 126)],
)
def test_the_exit_code_is_commands(world: World, command: tuple[str, ...], status: int) -> None:
    """As in the shell, without `broker exec`."""
    assert broker_exec(world, TICKET, *command).status == status


def test_credentials_are_in_no_environment_and_on_no_disk(world: World) -> None:
    """Not in COMMAND's, not in ours, not in the home folder; the engineer's token is not passed."""
    mine = {"AWS_PROFILE": "mine", "AWS_ACCESS_KEY_ID": "AKIAMINE"}
    with asking(world, TICKET, **mine) as talk:
        _, _, given = told(talk)
        broker = talk.process.pid
        (child,) = Path(f"/proc/{broker}/task/{broker}/children").read_text().split()
        around = Path(f"/proc/{child}/environ").read_bytes()
        everywhere = [around, environment_of(broker)]
        everywhere += [Path(f"/proc/{each}/cmdline").read_bytes() for each in (broker, child)]
        everywhere += [each.read_bytes() for each in world.home.rglob("*") if each.is_file()]
        talk.ended()
    for secret in (given["SecretAccessKey"], given["Token"], given["AccessKeyId"]):
        assert not any(secret.encode() in text for text in everywhere)
    assert world.engineer.api_token.encode() not in around
    assert b"AKIAMINE" not in around
    assert b"AWS_PROFILE" not in around
    assert b"AWS_CONTAINER_AUTHORIZATION_TOKEN=" in around


def test_command_may_leave_a_core_as_without_us(world: World) -> None:
    """What forbids ours does not reach it: whoever looks for a fault in COMMAND needs its core."""
    mark = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    command = ("sh", "-c", 'ulimit -S -c; "$0" -c "$1"', sys.executable, mark)
    words = ("--account", METADATA, "--ticket", TICKET, "--", *command)
    with_a_limit = 'ulimit -S -c "$(ulimit -H -c)"; ulimit -S -c; exec broker exec "$@"'
    own = environment(world)
    ran = run("sh", "-c", with_a_limit, "sh", *words, home=world.home, environment=own)
    assert ran.status == 0, ran.err
    before, after, dumpable = ran.out.splitlines()
    assert (after, dumpable) == (before, "1")


def test_another_default_profile_does_not_win(world: World, tmp_path: Path) -> None:
    """Keys of the engineer's own would be preferred by every SDK; COMMAND works for the ticket."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = AKIAMINE\naws_secret_access_key = mine\n"
    )
    words = ("--account", METADATA, "--ticket", TICKET, "--", "aws", "sts", "get-caller-identity")
    ran = run("broker", "exec", *words, home=tmp_path, environment=environment(world))
    assert ran.status == 0, ran.err
    assert f"{ENGINEER}@{TICKET}-" in ran.out
    assert "names credentials that COMMAND would prefer" in ran.err


def test_sessions_end_with_command_where_that_is_asked_for(world: World) -> None:
    """`--revoke` ends them in the account; without it they end by themselves."""
    kept, revoked = world.ticket("T-exec-kept", METADATA), world.ticket("T-exec-gone", METADATA)
    assert broker_exec(world, kept, "true").status == 0
    ran = broker_exec(world, revoked, "sh", "-c", "exit 6", options=("--revoke",))
    assert (ran.status, ran.err) == (6, "")
    assert [session["revoked_at"] for session in sessions_of(world, kept)] == [None]
    assert [session["revoked_at"] is None for session in sessions_of(world, revoked)] == [False]


def test_a_shell_has_the_terminal_and_the_credentials(world: World) -> None:
    """Ctrl-C ends what runs in the shell, and neither the shell nor its credentials."""
    words = ("--account", METADATA, "--ticket", TICKET, "--", "bash", "--norc", "-i")
    with Screen(
        "broker", "exec", *words, home=world.home, environment=environment(world)
    ) as screen:
        screen.see("$ ")
        screen.type(f"{sys.executable} -c '{RUNS}'\n")
        screen.see("42 runs")
        screen.type("\x03")
        screen.see("^C")
        screen.see("$ ")
        screen.type("aws sts get-caller-identity --query Arn\n")
        screen.see(f"{ENGINEER}@{TICKET}-")
        screen.type("exit 9\n")
        assert screen.ended() == 9
