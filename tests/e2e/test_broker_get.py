"""`broker get` as engineers and their shells meet it: formats, refusals, exit codes."""

from __future__ import annotations

import http.server
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from broker.cli.demo.stage import Customer, free_port
from tests.e2e.programs import Ran, run
from tests.e2e.world import ENGINEER, METADATA, TICKET, World
from tests.serving import serving

GOOD = ("--account", METADATA, "--ticket", TICKET)
HOSTILE = "a'b\"c$(touch${IFS}pwned)`touch${IFS}pwned`\\;&|<>*?"
"""A value that would do harm in a shell, were it not quoted; one word, as credentials are."""


def failed(ran: Ran, *, status: int, sentence: str, code: str | None = None) -> None:
    """The command ended with `status` and said one sentence, with the code at its end."""
    assert (ran.status, ran.out) == (status, ""), ran.err
    assert re.fullmatch(r"Error: [^\n]+\n", ran.err), ran.err
    assert sentence in ran.err
    if code is not None:
        assert re.search(rf" \(request [0-9a-f]{{24}}\) \[{code}\]\n\Z", ran.err), ran.err


def misused(ran: Ran, sentence: str) -> None:
    """The command ended with 2 and said what is wrong with the command line."""
    assert (ran.status, ran.out) == (2, ""), ran.err
    assert sentence in ran.err


def works(world: World, credentials: dict[str, str]) -> bool:
    """Whether AWS takes the credentials for a session of the engineer's."""
    identity = world.client("sts", credentials).get_caller_identity()
    return f"{ENGINEER}@{TICKET}-" in identity["Arn"]


def test_env_is_what_a_shell_evaluates(world: World) -> None:
    """`eval "$(broker get ...)"` sets four variables, and AWS takes what is in them."""
    ran = world.broker_get(*GOOD)
    assert ran.status == 0, ran.err
    assert ran.err == ""
    evaluated = run(
        "sh", "-euc", f"{ran.out}\nenv", home=world.home, environment={"UNRELATED": "kept"}
    )
    variables = dict(line.split("=", 1) for line in evaluated.out.splitlines())
    assert {name for name in variables if name.startswith("AWS_")} == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
    }
    assert works(
        world,
        {
            "access_key_id": variables["AWS_ACCESS_KEY_ID"],
            "secret_access_key": variables["AWS_SECRET_ACCESS_KEY"],
            "session_token": variables["AWS_SESSION_TOKEN"],
        },
    )


def test_env_is_safe_to_evaluate_whatever_it_holds(world: World) -> None:
    """A value full of quotes and commands arrives as it is and runs nothing."""
    opened = json.loads(world.broker_get(*GOOD, "--format", "json").out)
    opened["credentials"] |= dict.fromkeys(
        ("access_key_id", "secret_access_key", "session_token"), HOSTILE
    )
    answer = json.dumps(opened)
    with answering(201, "application/json", answer) as url:
        ran = world.broker_get(*GOOD, BROKER_URL=url)
    assert ran.status == 0, ran.err
    shown = 'printf %s "$AWS_SESSION_TOKEN"'
    evaluated = run("sh", "-euc", f"{ran.out}\n{shown}", home=world.home, environment={})
    assert evaluated.out == HOSTILE, evaluated.err
    assert not (world.home / "pwned").exists()


def test_json_is_the_whole_answer(world: World) -> None:
    """Programs get the session's record beside the credentials, as the API answers them."""
    ran = world.broker_get(*GOOD, "--format", "json")
    assert ran.status == 0, ran.err
    answer = json.loads(ran.out)
    recorded = world.engineer.ask("GET", f"/v1/sessions/{answer['session']['id']}")
    assert answer["session"] == recorded
    assert answer["credentials"]["expiration"] == recorded["expires_at"]
    assert works(world, answer["credentials"])


def test_credential_process_is_what_the_sdks_expect(world: World) -> None:
    """Exactly the five members; Version is the number 1, Expiration what STS itself said."""
    ran = world.broker_get(*GOOD, "--format", "credential-process")
    assert ran.status == 0, ran.err
    given = json.loads(ran.out)
    assert set(given) == {
        "Version",
        "AccessKeyId",
        "SecretAccessKey",
        "SessionToken",
        "Expiration",
    }
    assert type(given["Version"]) is int
    assert given["Version"] == 1
    element = world.wire.credentials_element(given["AccessKeyId"])
    assert f"<Expiration>{given['Expiration']}</Expiration>" in element
    assert f"<SessionToken>{given['SessionToken']}</SessionToken>" in element


def test_the_duration_is_the_one_asked_for(world: World) -> None:
    """AWS is asked for as many seconds as the engineer asks for."""
    ran = world.broker_get(*GOOD, "--format", "json", "--duration", "15m")
    session = world.engineer.ask("GET", f"/v1/sessions/{json.loads(ran.out)['session']['id']}")
    intended = [
        entry
        for entry in world.ledger(METADATA)
        if entry["ids"].get("session") == session["id"] and entry["outcome"] == "intended"
    ]
    assert [entry["details"]["seconds"] for entry in intended] == [900]


def test_services_and_reason_reach_the_record(world: World) -> None:
    """`--service` may be repeated; the reason is kept for the customer to read."""
    options = ("--service", "s3", "--service", "ec2", "--reason", "Why is it slow?")
    ran = world.broker_get(*GOOD, "--format", "json", *options)
    session = json.loads(ran.out)["session"]
    assert session["services"] == ["ec2", "s3"]
    (intended,) = [
        entry
        for entry in world.ledger(METADATA)
        if entry["ids"].get("session") == session["id"] and entry["outcome"] == "intended"
    ]
    assert intended["reason"] == "Why is it slow?"
    assert intended["details"]["services"] == ["ec2", "s3"]


def test_a_closed_ticket_is_refused(world: World) -> None:
    """Exit code 3: asking again changes nothing; the sentence says what would."""
    ticket = world.ticket("T-closed", METADATA, status="closed")
    ran = world.broker_get("--account", METADATA, "--ticket", ticket)
    failed(ran, status=3, sentence="The ticket is closed. Reopen it", code="ticket_closed")


def test_a_ticket_of_another_account_is_refused(world: World, customer: Customer) -> None:
    """A ticket opens the accounts that it names, and no other."""
    ran = world.broker_get("--account", customer.account["account_id"], "--ticket", TICKET)
    failed(ran, status=3, sentence="does not concern this account", code="ticket_not_for_account")


def test_an_unknown_ticket_is_refused(world: World) -> None:
    """What the console never told of is no reason."""
    ran = world.broker_get("--account", METADATA, "--ticket", "T-never-heard-of")
    failed(ran, status=3, sentence="No such ticket is known.", code="ticket_not_found")


def test_an_unknown_account_is_refused(world: World) -> None:
    """An account that nobody registered is told from one that is not ready."""
    ran = world.broker_get("--account", "999999999999", "--ticket", TICKET)
    failed(ran, status=3, sentence="No such account is registered.", code="not_found")


def test_an_engineer_who_is_not_assigned_is_refused(world: World) -> None:
    """A ticket with assignees is theirs alone."""
    ticket = world.ticket("T-of-others", METADATA, assignees=["john@vendor.example"])
    ran = world.broker_get("--account", METADATA, "--ticket", ticket)
    failed(ran, status=3, sentence="Ask to be assigned to it.", code="not_assigned")


def test_a_session_longer_than_the_roles_allow_is_refused(world: World) -> None:
    """The limit is the broker's own, told before AWS is asked."""
    ran = world.broker_get(*GOOD, "--duration", "14401")
    failed(ran, status=3, sentence="Ask for a shorter duration.", code="duration_too_long")


def test_a_malformed_account_is_named(world: World) -> None:
    """What is no account is wrong usage, found before the broker is asked."""
    ran = world.broker_get("--account", "1111-2222-3333", "--ticket", TICKET)
    misused(ran, "It must be an AWS account id: twelve digits")


def test_what_the_broker_cannot_read_is_wrong_usage_too(world: World) -> None:
    """What does not validate there is named with its rule, and is no refusal."""
    ran = world.broker_get(*GOOD, "--duration", "2000000")
    failed(ran, status=2, sentence="`duration_seconds`")


def test_a_service_that_there_is_not_is_wrong_usage(world: World) -> None:
    """Credentials that can do nothing would puzzle more than a sentence with what was meant."""
    ran = world.broker_get(*GOOD, "--service", "lamda")
    failed(
        ran,
        status=2,
        sentence="lamda is no prefix of IAM actions (perhaps lambda).",
        code="invalid_request",
    )


def test_ini_is_a_profile_that_sdks_read(world: World) -> None:
    """Saved as the file of credentials, the section is what `--profile` finds there."""
    ran = world.broker_get(*GOOD, "--format", "ini")
    assert ran.status == 0, ran.err
    assert "# ends 20" in ran.out
    file = world.home / "saved-by-a-person"
    file.write_text(ran.out)
    caller = world.aws(
        {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_PROFILE": "support"},
        "sts",
        "get-caller-identity",
    )
    file.unlink()
    assert f"{ENGINEER}@{TICKET}-" in caller.out, caller.err


def test_an_unknown_token_is_refused_without_repeating_it(world: World) -> None:
    """Whoever reads the terminal or its log learns nothing of the token."""
    unknown = world.engineer.api_token[:-4] + "0000"
    ran = world.broker_get(*GOOD, BROKER_TOKEN=unknown)
    failed(ran, status=3, sentence="unknown, expired or revoked", code="unauthenticated")
    assert unknown not in ran.err


@pytest.mark.parametrize("spoiling", ["\n", " ", "\u00e9", "\x1b[2J"])
def test_a_token_that_cannot_be_sent_is_not_repeated(world: World, spoiling: str) -> None:
    """A line break copied with the token is told as such, before anything is sent."""
    spoilt = f"brk_secret{spoiling}"
    ran = world.broker_get(*GOOD, BROKER_TOKEN=spoilt)
    misused(ran, "The API token holds characters that no token has")
    assert "brk_secret" not in ran.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--ticket", TICKET), "Missing option '--account'. Give --account and --ticket, or run"),
        (("--account", METADATA), "Missing option '--ticket'. Give --account and --ticket, or run"),
        ((*GOOD, "--access", "write"), "'write' is not one of 'read', 'case'"),
        ((*GOOD, "--format", "xml"), "'xml' is not one of"),
        ((*GOOD, "--duration", "14m"), "14m is shorter than 15m."),
        ((*GOOD, "--duration", "an hour"), "is no length of time: write 1h, 90m or 3600."),
        ((*GOOD, "--service", "ec2:*"), "It must be a service prefix"),
        ((*GOOD, "--region", "us-east-1"), "No such option"),
        ((*GOOD, "surplus"), "Got unexpected extra argument"),
    ],
)
def test_wrong_usage_is_told(world: World, options: tuple[str, ...], sentence: str) -> None:
    """Exit code 2 and what is wrong, before the broker is asked."""
    misused(world.broker_get(*options), sentence)


@pytest.mark.parametrize("missing", ["BROKER_URL", "BROKER_TOKEN"])
def test_a_missing_variable_is_named(world: World, missing: str) -> None:
    """An engineer who has not set up the shell is told what to set."""
    misused(world.broker_get(*GOOD, **{missing: ""}), f"set {missing}")


def test_a_broker_that_cannot_be_reached_is_told(world: World) -> None:
    """Exit code 1: nobody said no, so asking again may help."""
    url = f"http://127.0.0.1:{free_port()}"
    ran = world.broker_get(*GOOD, BROKER_URL=url)
    failed(ran, status=1, sentence=f"The broker at {url} cannot be reached. Is BROKER_URL right?")
    assert world.engineer.api_token not in ran.err


@pytest.mark.parametrize("url", ["broker.example.com", "http://", "ftp://127.0.0.1", "http://a:b"])
def test_an_address_that_is_none_is_told(world: World, url: str) -> None:
    """What is not an http URL is answered with the variable to look at, not with a trace."""
    ran = world.broker_get(*GOOD, BROKER_URL=url)
    misused(ran, f"Error: {url!r} is not the URL of a broker, like https://")


def test_the_address_of_aws_is_told_from_a_broker(world: World) -> None:
    """A server that refuses in its own words is named as what it is: not a broker."""
    ran = world.broker_get(*GOOD, BROKER_URL=world.stage.sandbox.url)
    failed(ran, status=1, sentence="not like a broker. Is BROKER_URL right?")


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", "<html>Welcome</html>"),
        (201, "application/json", "{}"),
        (201, "application/json", "[]"),
        (201, "application/json", '{"credentials": {"access_key_id": "ASIA", "secret": "s3cret"}}'),
        (204, "application/json", ""),
        (302, "text/html", "Moved"),
        (404, "application/problem+json", "{}"),
        (404, "application/problem+json", '["s3cret"]'),
        (502, "text/html", "Bad gateway"),
    ],
)
def test_something_else_at_the_address_is_told(
    world: World, status: int, kind: str, body: str
) -> None:
    """Whatever answers there, the sentence says that it is no broker and repeats none of it."""
    with answering(status, kind, body) as url:
        ran = world.broker_get(*GOOD, BROKER_URL=url)
    failed(ran, status=1, sentence="like a broker. Is BROKER_URL right?")
    assert "s3cret" not in ran.err


def test_help_shows_how_it_is_used(world: World) -> None:
    """The help has both ways to use it, ready to be copied, and the exit codes."""
    ran = world.broker_get("--help")
    assert ran.status == 0
    assert 'eval "$(broker get --account 111122223333 --ticket T-1042)"' in ran.out
    assert "credential_process = broker get --account" in ran.out
    assert "Exit codes: 0 given, 1 failed (try again), 2 wrong usage, 3 refused." in ran.out


@contextmanager
def answering(status: int, kind: str, body: str) -> Iterator[str]:
    """The URL of a server that answers everything with this."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing on the terminal."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"
