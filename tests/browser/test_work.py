"""The work of an engineer and a customer, from the sign-in to the sign-out, as both do it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import boto3
import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Error, Page, expect

from tests.browser.chromium import Scripts
from tests.browser.errands import CUSTOMER, WHY, Errands
from tests.browser.office import Office
from tests.browser.people import MILL
from tests.browser.visitors import PATIENCE_MS, Visitors

A_MINUTE_MS = 60_000
CLIPBOARD = ["clipboard-read", "clipboard-write"]


def given_in(shell: str) -> Mapping[str, str]:
    """The variables that lines for a shell set."""
    return dict(re.findall(r"^export (\w+)=(\S+)$", shell, re.MULTILINE))


def identity_at_aws(office: Office, variables: Mapping[str, str]) -> str:
    """Who AWS says that these credentials are; `iam:ListRoles` shows that they are let in."""
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
        region_name="us-east-1",
    )
    session.client("iam", endpoint_url=office.stage.sandbox.url).list_roles()
    return str(
        session.client("sts", endpoint_url=office.stage.sandbox.url).get_caller_identity()["Arn"]
    )


@pytest.mark.parametrize("scripts", Scripts)
def test_from_the_sign_in_to_the_sign_out(
    people: Visitors, errands: Errands, scripts: Scripts
) -> None:
    """Request, approve as the customer, open, copy, go to the console, revoke; out, and not back.

    Without scripts everything but copying works as well.
    """
    ticket = errands.ticket(consent="per_grant")
    options = {"java_script_enabled": scripts.value}
    finn = people.signed_in("finn", at="/tickets", permissions=CLIPBOARD, **options)
    grant_id = _request(finn, ticket)
    cleo = people.signed_in("cleo", at="/requests", **options)
    _approve(cleo, grant_id)
    if scripts is Scripts.OFF:
        finn.reload()  # with scripts the page does that by itself
    finn.get_by_role("link", name="Go in by the ticket").click(timeout=A_MINUTE_MS)
    finn.get_by_role("button", name="Get credentials").click()
    expect(finn.get_by_role("heading", level=1)).to_have_text(f"Credentials for {ticket}")
    variables = given_in(_copied(finn) if scripts is Scripts.ON else _shown(finn))
    assert f"@{ticket}-" in identity_at_aws(people.office, variables)
    secrets = (variables["AWS_SECRET_ACCESS_KEY"], variables["AWS_SESSION_TOKEN"])
    _open_console(finn, secrets)
    finn.get_by_role("button", name="Done: revoke it now").click()
    expect(finn.get_by_role("status")).to_contain_text("Revoked.")
    _await_refusal(finn, scripts)
    with pytest.raises(ClientError, match="AccessDenied"):
        identity_at_aws(people.office, variables)
    finn.get_by_role("button", name="Sign out").click()
    expect(finn.get_by_role("status")).to_contain_text("You are signed out.")
    _assert_no_way_back(people, finn, secrets)


def _request(finn: Page, ticket: str) -> str:
    """Ask for access, in two steps from the list of tickets; returns the request's number."""
    finn.get_by_role("link", name=f"Request access to {CUSTOMER}, {ticket}").click()
    finn.get_by_label("What are you going to do?").fill(WHY)
    finn.get_by_role("button", name="Request access").click()
    expect(finn.get_by_role("status")).to_contain_text("The request is sent.")
    found = re.search(r"/requests/(gr-[0-9a-f]+)", finn.url)
    assert found is not None
    return found[1]


def _approve(cleo: Page, grant_id: str) -> None:
    cleo.get_by_role("link", name=grant_id).click()
    expect(cleo.get_by_role("main")).to_contain_text(WHY)
    cleo.get_by_label("Your reason").fill("As agreed")
    cleo.get_by_role("button", name=f"Approve {grant_id}").click()
    expect(cleo.get_by_role("status")).to_contain_text("Approved.")


def _copied(finn: Page) -> str:
    """What the button puts into the clipboard, once the countdown was seen to run."""
    countdown = finn.locator("time[data-countdown]")
    expect(countdown).to_have_text(re.compile(r"^\d+:\d\d left$"))
    expect(countdown).not_to_have_text(countdown.inner_text())
    finn.get_by_role("button", name="Copy for bash, zsh, sh").click()
    expect(finn.locator("#announced")).to_have_text("Copied.")
    text = str(finn.evaluate("navigator.clipboard.readText()"))
    assert text.strip() == _shown(finn).strip()
    return text


def _shown(finn: Page) -> str:
    return finn.get_by_label("for bash, zsh, sh", exact=True).inner_text()


def _open_console(finn: Page, secrets: tuple[str, ...]) -> None:
    """The console opens in a tab of its own, whose address holds none of the credentials."""
    with finn.context.expect_page() as tab:
        finn.get_by_role("button", name="Open AWS console").click()
    console = tab.value
    expect(console.get_by_role("heading")).to_have_text("Signed in to the AWS console")
    expect(console.locator("body")).to_contain_text(MILL)
    assert not [secret for secret in secrets if secret in console.url]
    console.close()


def _await_refusal(finn: Page, scripts: Scripts) -> None:
    """Until the page says that AWS was seen to refuse; without scripts one loads it again."""
    refused = finn.get_by_text("AWS was seen to refuse it")
    for _ in range(60 if scripts is Scripts.OFF else 0):
        if refused.count():
            break
        finn.wait_for_timeout(1000)
        finn.reload()
    expect(refused).to_be_visible(timeout=A_MINUTE_MS)


def _assert_no_way_back(people: Visitors, finn: Page, secrets: tuple[str, ...]) -> None:
    """Go back as far as it goes: no secret is shown, and no page out of the browser's memory.

    What is asked for anew may be shown: the provider still knows who finn is, and lets him in.
    """
    steps = int(finn.evaluate("history.length")) - 1
    assert steps > 0
    for _ in range(steps):
        sent = len(people.watch.sent)
        _go_back(finn)
        page = finn.content()
        assert not [secret for secret in secrets if secret in page]
        anew = people.watch.sent[sent:]
        assert anew or "Sign out" not in page


def _go_back(page: Page) -> None:
    """What answered a form is not loaded again: the browser asks first, on a page of its own."""
    try:
        page.go_back(wait_until="commit")  # a page out of memory would not load
        _until_complete(page)
    except Error as error:
        assert "ERR_CACHE_MISS" in error.message  # noqa: PT017 - only that one is let pass
        page.wait_for_url("chrome-error://**")


def _until_complete(page: Page) -> None:
    """Asked from here again and again: a page without scripts cannot be told to look by itself."""
    for _ in range(PATIENCE_MS // 100):
        if page.evaluate("document.readyState") == "complete":
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{page.url} has not loaded")


@pytest.mark.parametrize("scripts", Scripts)
def test_credentials_are_shown_once(people: Visitors, errands: Errands, scripts: Scripts) -> None:
    """Whoever has left their page does not see them again: neither back, nor forward, nor anew."""
    ticket = errands.ticket(consent="standing")
    page = people.known("finn", at="/tickets", java_script_enabled=scripts.value)
    page.get_by_role("button", name=f"Get credentials for {CUSTOMER}, {ticket}").click()
    secret = given_in(_shown(page))["AWS_SECRET_ACCESS_KEY"]
    assert secret in page.content()
    page.get_by_role("link", name="Watch this session").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Session")
    watched = page.url
    _go_back(page)
    assert secret not in page.content()
    page.goto(watched)
    assert secret not in page.content()
    assert ticket in page.get_by_role("main").inner_text()


@pytest.mark.parametrize("scripts", Scripts)
def test_a_reload_of_shown_credentials_opens_nothing(
    people: Visitors, errands: Errands, scripts: Scripts
) -> None:
    """The browser sends the form again, and is led to the session that it has opened."""
    ticket = errands.ticket(consent="standing")
    page = people.known("finn", at=f"/tickets/{ticket}", java_script_enabled=scripts.value)
    page.get_by_role("button", name="Get credentials").click()
    secret = given_in(_shown(page))["AWS_SECRET_ACCESS_KEY"]
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("These credentials were shown already.")
    assert secret not in page.content()
    sent = [each for each in people.watch.sent if each == f"POST {people.office.url}/sessions"]
    opened = [
        each
        for each in errands.finn.ask("GET", "/v1/sessions")["items"]
        if each["ticket"] == ticket
    ]
    assert (len(sent), len(opened)) == (2, 1)
    page.get_by_role("link", name="Open another by the ticket").click()
    page.get_by_role("button", name="Get credentials").click()
    assert given_in(_shown(page))["AWS_SECRET_ACCESS_KEY"] != secret


def test_a_page_that_opened_the_console_is_of_further_use(
    people: Visitors, errands: Errands
) -> None:
    """The console stands in a tab of its own, and here one gets credentials as before."""
    page = people.known("finn", at=f"/tickets/{errands.ticket(consent='standing')}")
    with page.context.expect_page():
        page.get_by_role("button", name="Open AWS console").click()
    expect(page.get_by_role("button", name="Get credentials")).to_be_enabled()
    page.get_by_role("button", name="Get credentials").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Credentials for")


def test_a_page_out_of_the_browsers_memory_is_of_further_use(
    people: Visitors, errands: Errands
) -> None:
    """Its form counts once more, for whoever comes back to it and sends it means it."""
    page = people.known("finn", at=f"/tickets/{errands.ticket(consent='standing')}")
    key = page.locator("input[name=once]")
    before = key.get_attribute("value")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(key).to_have_attribute("value", re.compile("^[0-9a-f]{32}$"))
    assert key.get_attribute("value") != before
