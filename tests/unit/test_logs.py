"""The redacting processor: no value under a secret's name, nothing that looks like a secret."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from broker.logs import REDACTED, configure, redact

API_TOKEN = f"brk_{'0a' * 6}_{'1b' * 32}"
IDENTITY_TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL3gifQ.c2lnbmF0dXJl"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def redacted(**event: object) -> dict[str, object]:
    return dict(redact(None, "info", dict(event)))


@pytest.mark.parametrize(
    "name",
    [
        *("secret", "client_secret", "SecretAccessKeySecret", "password", "store_password"),
        *("passphrase", "local_keys_passphrase", "Authorization", "authorization", "Cookie"),
        *("Set-Cookie", "credential", "session_token", "SessionToken", "sessiontoken"),
        *("identity_token", "identitytoken", "api_token", "secret_access_key", "SecretAccessKey"),
        *("credentials", "WebIdentityToken", "proxy-authorization"),
    ],
)
def test_a_secrets_name_hides_its_value(name: str) -> None:
    """At the top, and within what is logged, whatever the value is."""
    assert redacted(**{name: "x"}) == {name: REDACTED}
    assert redacted(**{name: {"a": 1}}) == {name: REDACTED}
    assert redacted(at={"deep": [{name: "x", "other": 1}]}) == {
        "at": {"deep": [{name: REDACTED, "other": 1}]}
    }


@pytest.mark.parametrize(
    "text",
    [
        API_TOKEN,
        f"Bearer {API_TOKEN}",
        f"{API_TOKEN}{API_TOKEN}",
        IDENTITY_TOKEN,
        f"token={IDENTITY_TOKEN}&x=1",
        IDENTITY_TOKEN.rsplit(".", 1)[0] + ".",
        f"SecretAccessKey: {SECRET_KEY}",
        f"'SecretAccessKey': '{SECRET_KEY}'",
        f'{{"SecretAccessKey":"{SECRET_KEY}"}}',
        f"secret_access_key='{SECRET_KEY}'",
        f"secret_access_key={SECRET_KEY}",
        f"<SecretAccessKey>{SECRET_KEY}</SecretAccessKey>",
        f"<SessionToken>{SECRET_KEY}</SessionToken>",
        f"session_token={SECRET_KEY}",
        f"redis://user:{SECRET_KEY.replace('/', '')}@store.example",
        f"rediss://:{SECRET_KEY.replace('/', '')}@store.example",
    ],
)
@pytest.mark.parametrize("place", ["event", "exception", "list", "mapping"])
def test_what_looks_like_a_secret_is_taken_out_of_any_text(text: str, place: str) -> None:
    """In the message, in a traceback, within a list or a mapping."""
    value = {"event": text, "exception": f"Traceback\n  {text}\n", "list": [text]}.get(
        place, {"x": (text,)}
    )
    cleaned = json.dumps(redacted(**{place: value}))
    assert REDACTED in cleaned
    for secret in (API_TOKEN, IDENTITY_TOKEN[:40], SECRET_KEY, SECRET_KEY.replace("/", "")):
        assert secret not in cleaned


@pytest.mark.parametrize(
    "value",
    [
        *("request", "POST", "/v1/sessions", "s-0123456789abcdef0123", "case-1001"),
        *("https://issuer.example/oidc/abc", "arn:aws:iam::111122223333:role/Acme", "a:b@c"),
        *(200, True, None, 1.5, ["a", 2], {"kid": "x", "token_sha256": "ab" * 32}),
    ],
)
def test_everything_else_is_left_alone(value: object) -> None:
    """A log that hides too much is not read."""
    assert redacted(value=value) == {"value": value}


def test_the_names_that_we_log_ourselves_are_shown() -> None:
    """`kid`, a token's hash and AWS's codes are there to be read."""
    event = {"kid": "x", "token_sha256": "y", "aws_code": "AccessDenied", "route": "/v1/tokens"}
    assert redacted(**event) == event


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a configured process writes to standard error."""
    root = logging.getLogger()
    kept = (root.handlers, root.level, sys.stderr)
    sys.stderr = stream = io.StringIO()
    configure("info")
    yield stream
    root.handlers, root.level, sys.stderr = kept
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_own_entries_are_json_with_the_request_id(written: io.StringIO) -> None:
    """One object a line: when, how severe, from where, and under which request."""
    structlog.contextvars.bind_contextvars(request_id="abc")
    structlog.get_logger("broker.test").info("happened", count=1, api_token=API_TOKEN)
    (entry,) = lines(written)
    assert str(entry.pop("at")).endswith("Z")
    assert entry == {
        "event": "happened",
        "count": 1,
        "api_token": REDACTED,
        "request_id": "abc",
        "level": "info",
        "logger": "broker.test",
    }


def test_entries_of_libraries_go_the_same_way(written: io.StringIO) -> None:
    """With their arguments filled in before the secrets are taken out."""
    logging.getLogger("some.library").warning("called with %s", f"Bearer {API_TOKEN}")
    logging.getLogger("some.library").info("mapping %(a)s", {"a": IDENTITY_TOKEN})
    assert [entry["event"] for entry in lines(written)] == [
        f"called with Bearer {REDACTED}",
        f"mapping {REDACTED}",
    ]


def fail_for_a_reason() -> None:
    """Two exceptions, each with a secret in its words."""
    try:
        fail(f"bad token {IDENTITY_TOKEN}")
    except ValueError as e:
        raise RuntimeError(f"caller {API_TOKEN}") from e


def fail(words: str) -> None:
    secret_value = "local" + "variable"
    raise ValueError(words or secret_value)


def test_a_traceback_is_cleaned_too(written: io.StringIO) -> None:
    """Of the exception, of its cause, and of a library's."""
    try:
        fail_for_a_reason()
    except RuntimeError as e:
        structlog.get_logger("broker.test").error("failed", exc_info=e)
        logging.getLogger("some.library").exception("failed")
    for entry in lines(written):
        assert "RuntimeError: caller [redacted]" in str(entry["exception"])
        assert "ValueError: bad token [redacted]" in str(entry["exception"])
        assert IDENTITY_TOKEN not in str(entry)


def test_local_variables_are_not_logged(written: io.StringIO) -> None:
    """A traceback shows lines of code, not what stood in them."""
    try:
        fail("said")
    except ValueError as e:
        structlog.get_logger("broker.test").error("failed", exc_info=e)
    assert "localvariable" not in written.getvalue()


@pytest.mark.parametrize("level", ["debug", "info"])
def test_botocore_never_logs_what_it_sends(written: io.StringIO, level: str) -> None:
    """At DEBUG it would log requests with their bodies, credentials included."""
    configure(level)
    for name in ("boto3", "botocore", "botocore.endpoint", "urllib3.connectionpool"):
        logging.getLogger(name).debug("body %s", SECRET_KEY)
        logging.getLogger(name).info("body %s", SECRET_KEY)
    assert written.getvalue() == ""


def test_the_level_is_kept(written: io.StringIO) -> None:
    """Below it nothing is written."""
    structlog.get_logger("broker.test").debug("quiet")
    logging.getLogger("some.library").debug("quiet")
    assert lines(written) == []


@pytest.mark.usefixtures("written")
def test_a_logger_that_was_used_goes_by_what_is_configured_later() -> None:
    """Loggers live as long as their modules, and a process may be configured more than once."""
    logger = structlog.get_logger("broker.test")
    logger.info("first")
    configure("warning")
    logger.warning("second")
    with capture_logs() as captured:
        logger.info("third")
    assert [entry["event"] for entry in captured] == ["third"]
