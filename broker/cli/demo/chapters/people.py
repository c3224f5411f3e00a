"""People sign in at the organisation's OpenID provider, which the sandbox stands in for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

from broker.cli.demo.forms import fields_of
from broker.cli.demo.people import CARL, JANE, Person
from broker.cli.demo.programs import Answer, run, run_with_somebody
from broker.cli.demo.stage import StageError
from broker.cli.demo.steps import Step, Steps
from broker.cli.demo.world import ACCOUNT_ID, World

_CANCEL = {"deny": "yes"}
_DEVICE_PAGE = re.compile(r"http://\S+[?&]user_code=\S+")


def steps(world: World) -> Steps:
    """Each sees what their groups lead to; who changes their mind is not signed in."""
    yield _signed_in(world, JANE, expected="engineer")
    yield _signed_in(world, CARL, expected=f"customer, {ACCOUNT_ID}")
    with _browser() as browser:
        back = _signing_in(world, browser, _CANCEL)
    yield Step(
        title="somebody who cancels is not signed in",
        expected="unauthenticated",
        got=_code(back),
        detail=back.text,
    )
    yield from _in_a_shell(world)


def _in_a_shell(world: World) -> Steps:
    """Where there is no browser: a code to enter elsewhere. No API token is there at all."""
    home = world.stage.folder / JANE.login
    home.mkdir(mode=0o700)
    environment = {
        "BROKER_URL": world.stage.url,
        "HOME": str(home),
        # Nothing of the demo stays in the keyring of whoever looks at it.
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    answer = run_with_somebody(
        ["broker", "login", "--device", "--json"],
        environment,
        waits_at=_DEVICE_PAGE,
        somebody=lambda url: _allowed(url, JANE),
    )
    yield _of_the_shell(
        f"{JANE.name} signs in from a shell (broker login --device)",
        answer,
        member="subject",
        expected=JANE.login,
    )
    answer = run(["broker", "whoami", "--json"], environment)
    yield _of_the_shell(
        "and needs no API token there (broker whoami)",
        answer,
        member="signed_in_by",
        expected="identity_token",
    )
    answer = run(["broker", "logout", "--json"], environment)
    yield _of_the_shell(
        "and signs out again (broker logout)", answer, member="revocation", expected="revoked"
    )


def _of_the_shell(title: str, answer: Answer, *, member: str, expected: str) -> Step:
    return Step(
        title=title,
        expected=expected,
        got=str(json.loads(answer.output).get(member)) if answer.succeeded else answer.code,
        detail=answer.error or answer.output,
    )


def _allowed(url: str, person: Person) -> None:
    """What a click on the provider's page for terminals does."""
    with _browser() as browser:
        page = browser.get(url)
        clicked = {**fields_of(page.text), "person": person.login}
        browser.post(page.url, data=clicked).raise_for_status()


def _signed_in(world: World, person: Person, *, expected: str) -> Step:
    with _browser() as browser:
        arrived = _signing_in(world, browser, {"person": person.login})
        return Step(
            title=f"{person.name}, {person.title}, signs in",
            expected=expected,
            got=_told(arrived.json(), person) if arrived.is_success else _code(arrived),
            detail=arrived.text,
        )


def _browser() -> httpx.Client:
    """Keeps cookies and follows redirects, and takes a problem rather than a page."""
    kinds = {"Accept": "application/problem+json, application/json, */*;q=0.1"}
    return httpx.Client(trust_env=False, follow_redirects=True, headers=kinds)


def _signing_in(world: World, browser: httpx.Client, choice: Mapping[str, str]) -> httpx.Response:
    """From the broker to the provider, through its form, and back."""
    page = browser.get(f"{world.stage.url}/sign-in", params={"return_to": "/v1/me"})
    fields = fields_of(page.text)
    if not fields:
        raise StageError(f"The provider shows no form at {page.url.copy_with(query=None)}.")
    # The form names no other address than that of its page.
    return browser.post(page.url, data={**fields, **choice})


def _told(me: Mapping[str, Any], person: Person) -> str:
    """Their roles, and the accounts to which these are bound."""
    if me["subject"] != person.login:
        return f"signed in as {me['subject']}"
    return ", ".join((*me["roles"], *me["account_ids"]))


def _code(answer: httpx.Response) -> str:
    is_problem = answer.headers["Content-Type"].startswith("application/problem+json")
    return str(answer.json()["code"]) if is_problem else f"status {answer.status_code}"
