"""The federation endpoint: what becomes a sign-in token, and that a token is good for one thing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from broker.sandbox.process import Keys, Sandbox
from tests.integration.sandbox.caller import Caller, trust_of

ACCOUNT_ID = "101010101010"
HOME = "https://us-east-1.console.aws.amazon.com/console/home?region=us-east-1"


@pytest.fixture(scope="module")
def owner(sandbox: Sandbox) -> Keys:
    return sandbox.create_account(ACCOUNT_ID)


@pytest.fixture
def role(sandbox: Sandbox, owner: Keys) -> str:
    """A new role's name."""
    name = f"r-{uuid.uuid4().hex[:12]}"
    iam = Caller.owner(sandbox, owner).client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_of(ACCOUNT_ID))
    return name


@pytest.fixture
def session(sandbox: Sandbox, owner: Keys, role: str) -> Caller:
    return Caller.owner(sandbox, owner).assume(f"arn:aws:iam::{ACCOUNT_ID}:role/{role}")


@pytest.fixture(autouse=True)
def _clock(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.set_clock(0)


def federation(sandbox: Sandbox, method: str = "GET", **query: str) -> httpx.Response:
    return httpx.request(method, f"{sandbox.url}/federation", params=query, trust_env=False)


def session_json(session: Caller, **members: Any) -> str:
    return json.dumps(
        {
            "sessionId": session.access_key_id,
            "sessionKey": session.secret_access_key,
            "sessionToken": session.session_token,
            **members,
        }
    )


def token_for(sandbox: Sandbox, session: Caller) -> str:
    answer = federation(sandbox, Action="getSigninToken", Session=session_json(session))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return str(answer.json()["SigninToken"])


def log_in(sandbox: Sandbox, token: str, destination: str = HOME, **more: str) -> httpx.Response:
    query = {"Action": "login", "Destination": destination, "SigninToken": token, **more}
    return federation(sandbox, **query)


def test_a_session_gets_into_the_console_once(sandbox: Sandbox, session: Caller, role: str) -> None:
    """The page names the principal and the destination; the second time there is nothing."""
    token = token_for(sandbox, session)
    page = log_in(sandbox, token, Issuer="https://broker.example")
    assert page.status_code == 200
    assert f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/test" in page.text
    assert HOME in page.text
    assert log_in(sandbox, token).status_code == 400


def test_a_token_lives_fifteen_minutes(sandbox: Sandbox, session: Caller) -> None:
    """One second before it is good, at the end it is not."""
    early, late = token_for(sandbox, session), token_for(sandbox, session)
    sandbox.set_clock(15 * 60 + 5)
    assert log_in(sandbox, late).status_code == 400
    sandbox.set_clock(14 * 60)
    assert log_in(sandbox, early).status_code == 200


def test_a_session_that_has_ended_gets_nowhere(sandbox: Sandbox, session: Caller) -> None:
    """Neither a token, nor in with one that it got while it lived."""
    sandbox.set_clock(3590)
    token = token_for(sandbox, session)
    sandbox.set_clock(3610)
    assert log_in(sandbox, token).status_code == 400
    asked = federation(sandbox, Action="getSigninToken", Session=session_json(session))
    assert asked.status_code == 400


def test_a_session_of_a_role_that_is_gone_gets_nowhere(
    sandbox: Sandbox, owner: Keys, session: Caller, role: str
) -> None:
    """Also where the role's name is another's by now."""
    token = token_for(sandbox, session)
    iam = Caller.owner(sandbox, owner).client("iam")
    iam.delete_role(RoleName=role)
    assert log_in(sandbox, token).status_code == 400
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust_of(ACCOUNT_ID))
    assert log_in(sandbox, token).status_code == 400


@pytest.mark.parametrize(
    "members",
    [
        {"sessionKey": "x" * 40},
        {"sessionToken": "x" * 300},
        {"sessionToken": None},
        {"sessionId": "ASIA" + "A" * 16},
        {"sessionKey": "\ud800"},
        {"more": "x"},
    ],
)
def test_only_the_sessions_own_credentials_are_taken(
    sandbox: Sandbox, session: Caller, members: dict[str, Any]
) -> None:
    """One that differs is no credential at all."""
    text = session_json(session, **members)
    assert federation(sandbox, Action="getSigninToken", Session=text).status_code == 400


def test_keys_of_a_user_are_not_taken(sandbox: Sandbox, owner: Keys) -> None:
    """The console is for sessions here."""
    text = session_json(Caller.owner(sandbox, owner))
    assert federation(sandbox, Action="getSigninToken", Session=text).status_code == 400


@pytest.mark.parametrize("session_text", ["", "null", "[]", "{", "[" * 3000, '"x"'])
def test_what_is_no_session_is_refused(sandbox: Sandbox, session_text: str) -> None:
    """By its form."""
    assert federation(sandbox, Action="getSigninToken", Session=session_text).status_code == 400


@pytest.mark.parametrize(
    "destination",
    [
        "https://evil.example/",
        "http://us-east-1.console.aws.amazon.com/",
        "https://us-east-1.console.aws.amazon.com.evil.example/",
        "https://evil@us-east-1.console.aws.amazon.com/",
        "https://us-east-1.console.aws.amazon.com:8443/",
        "https://cn-north-1.console.amazonaws.cn/",
        "/console/home",
        "",
    ],
)
def test_a_destination_elsewhere_is_refused_and_the_token_stays(
    sandbox: Sandbox, session: Caller, destination: str
) -> None:
    """It leads to the console of the session's partition and nowhere else."""
    token = token_for(sandbox, session)
    assert log_in(sandbox, token, destination).status_code == 400
    assert log_in(sandbox, token).status_code == 200


def test_other_forms_of_asking_are_refused(sandbox: Sandbox, session: Caller) -> None:
    """SessionDuration, other methods, unknown actions, an issuer that is no URL."""
    asked = {"Action": "getSigninToken", "Session": session_json(session)}
    assert federation(sandbox, **asked, SessionDuration="3600").status_code == 400
    assert federation(sandbox, "POST", **asked).status_code == 400
    assert federation(sandbox, Action="logout").status_code == 400
    assert federation(sandbox).status_code == 400
    token = token_for(sandbox, session)
    assert log_in(sandbox, token, Issuer="javascript:alert(1)").status_code == 400
    assert federation(sandbox, Action="login", SigninToken=token).status_code == 400
    assert log_in(sandbox, token).status_code == 200
    assert federation(sandbox, **asked, SessionType="json").status_code == 200


def test_a_page_shows_what_it_was_given_as_text(sandbox: Sandbox, session: Caller) -> None:
    """Nothing of the address becomes part of the page's own markup."""
    destination = f"{HOME}<script>alert(1)</script>"
    page = log_in(sandbox, token_for(sandbox, session), destination)
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
