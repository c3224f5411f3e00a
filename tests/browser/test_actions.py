"""Every action of the pages works in a browser that runs no scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest
from playwright.sync_api import Page, expect

from tests.browser.errands import CUSTOMER, WHY, Errands
from tests.browser.people import MILL
from tests.browser.routes import routes
from tests.browser.visitors import Visitors

Enter = Callable[..., Page]
"""The page at an address, for a login name, without scripts."""

Action = Callable[[Enter, Errands], None]

ACCOUNT = f"/accounts/{MILL}"


def told(page: Page, words: str) -> None:
    """The page says that it is done."""
    expect(page.get_by_role("status")).to_contain_text(words)


def ask(enter: Enter, errands: Errands) -> None:
    ticket = errands.ticket(consent="per_grant")
    page = enter("finn", at=f"/tickets/{ticket}")
    page.get_by_label("What are you going to do?").fill(WHY)
    page.get_by_label("Access").select_option("case")
    page.get_by_label("For how long").select_option("60")
    page.get_by_role("button", name="Request access").click()
    told(page, "The request is sent.")
    expect(page.get_by_role("main")).to_contain_text("1 hour from the approval on")


def approve(enter: Enter, errands: Errands) -> None:
    page = enter("cleo", at=f"/requests/{errands.requested()}")
    page.get_by_role("button", name="Approve").click()
    told(page, "Approved.")


def deny(enter: Enter, errands: Errands) -> None:
    page = enter("cleo", at=f"/requests/{errands.requested()}")
    page.get_by_label("Your reason").fill("Not now")
    page.get_by_role("button", name="Deny").click()
    told(page, "Denied.")
    expect(page.get_by_role("main")).to_contain_text("Not now")


def withdraw(enter: Enter, errands: Errands) -> None:
    page = enter("finn", at=f"/requests/{errands.requested()}")
    page.get_by_text("Withdraw the request").click()
    page.get_by_role("button", name="Revoke").click()
    told(page, "Revoked")


def decide_by_link(enter: Enter, errands: Errands) -> None:
    page = enter("cleo", at=errands.link())
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Approved")
    page.get_by_role("link", name="See the request").click()
    expect(page.get_by_role("main")).to_contain_text("Revoke it, with every session under it")


def get_credentials(enter: Enter, errands: Errands) -> None:
    ticket = errands.ticket(consent="standing")
    page = enter("finn", at=f"/tickets/{ticket}")
    page.get_by_label("Minutes").fill("30")
    page.get_by_label("Only these services").fill("ec2 s3")
    page.get_by_role("button", name="Get credentials").click()
    expect(page.get_by_role("main")).to_contain_text("only ec2, s3")


def go_to_console(enter: Enter, errands: Errands) -> None:
    page = enter("finn", at=f"/tickets/{errands.ticket(consent='standing')}")
    with page.context.expect_page() as tab:
        page.get_by_role("button", name="Open AWS console").click()
    expect(tab.value.get_by_role("heading")).to_have_text("Signed in to the AWS console")


def go_to_console_of_session(enter: Enter, errands: Errands) -> None:
    page = enter("finn", at=f"/tickets/{errands.ticket(consent='standing')}")
    page.get_by_role("button", name="Get credentials").click()
    page.get_by_label("Begin at the service").fill("ec2")
    with page.context.expect_page() as tab:
        page.get_by_role("button", name="Open AWS console").click()
    expect(tab.value.locator("body")).to_contain_text("ec2")


def revoke_session(enter: Enter, errands: Errands) -> None:
    page = enter("finn", at=f"/sessions/{errands.session()}")
    page.get_by_role("button", name="Revoke").click()
    told(page, "Revoked.")


def give_consent(enter: Enter, errands: Errands) -> None:
    errands.ticket(consent="standing")
    page = enter("cleo", at=ACCOUNT)
    choices = page.get_by_role("group", name="Who decides whether support gets in?")
    choices.locator("input[value=per_grant]").check()
    page.get_by_role("button", name="Save my consent").click()
    told(page, "Your consent is changed")


def name_bucket(enter: Enter, errands: Errands) -> None:  # noqa: ARG001 - nothing is needed
    page = enter("cleo", at=ACCOUNT)
    page.get_by_label("S3 bucket").fill("signatures-of-the-mill")
    page.get_by_role("button", name="Save the bucket").click()
    told(page, "The bucket is changed")
    page.get_by_label("S3 bucket").fill("")
    page.get_by_role("button", name="Save the bucket").click()
    expect(page.get_by_role("main")).to_contain_text("No bucket is named.")


def end_everything(enter: Enter, errands: Errands) -> None:
    session = errands.session()
    page = enter("cleo", at=ACCOUNT)
    expect(page.get_by_role("link", name=session)).to_be_visible()
    page.get_by_text("End everything now").click()
    page.get_by_role("checkbox", name="I am sure").check()
    page.get_by_role("button", name="End everything").click()
    told(page, "has been ended")
    expect(page.get_by_role("main")).to_contain_text("Nobody has a live session")


def reconcile(enter: Enter, errands: Errands) -> None:
    errands.ticket(consent="standing")
    page = enter("ruth", at=ACCOUNT)
    page.get_by_role("button", name="Reconcile now").click()
    told(page, "brought to what is wanted")


def rotate(enter: Enter, errands: Errands) -> None:  # noqa: ARG001 - nothing is needed
    page = enter("ruth", at=ACCOUNT)
    page.get_by_role("button", name="Rotate the key").click()
    told(page, "Written down")


def drop_keys(enter: Enter, errands: Errands) -> None:
    errands.ticket(consent="standing")
    page = enter("ruth", at=ACCOUNT)
    page.get_by_text("Emergency: a key may be in wrong hands").click()
    form = page.locator("form[action$=emergency-rotation]")
    form.get_by_role("checkbox", name="I am sure").check()
    form.get_by_role("button", name="Drop the keys now").click()
    told(page, "Every key that has signed is withdrawn")


def sign_ledger(enter: Enter, errands: Errands) -> None:
    errands.ticket(consent="per_grant")
    page = enter("cleo", at=f"{ACCOUNT}/ledger")
    page.get_by_role("button", name="Sign the head now").click()
    told(page, "is signed")


def prove(enter: Enter, errands: Errands) -> None:
    errands.ticket(consent="standing")
    page = enter("cleo", at=f"{ACCOUNT}/proof")
    page.get_by_role("button", name="Prove now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile(f"^What support may do in {CUSTOMER}$")
    )


ACTIONS: Mapping[str, Action] = {
    "/requests": ask,
    "/requests/<grant_id>/approval": approve,
    "/requests/<grant_id>/denial": deny,
    "/requests/<grant_id>/revocation": withdraw,
    "/approvals/<secret>": decide_by_link,
    "/sessions": get_credentials,
    "/console": go_to_console,
    "/sessions/<session_id>/console": go_to_console_of_session,
    "/sessions/<session_id>/revocation": revoke_session,
    "/accounts/<account_id>/consent": give_consent,
    "/accounts/<account_id>/checkpoint-bucket": name_bucket,
    "/accounts/<account_id>/revocation": end_everything,
    "/accounts/<account_id>/reconciliation": reconcile,
    "/accounts/<account_id>/key-rotation": rotate,
    "/accounts/<account_id>/emergency-rotation": drop_keys,
    "/accounts/<account_id>/ledger/checkpoint": sign_ledger,
    "/accounts/<account_id>/proof": prove,
}
"""By route."""

ELSEWHERE: Mapping[str, str] = {
    "/sign-out": "`test_work` signs out without scripts; here it would end kept sign-ins",
    "/hooks/sns": "not for people",
}


def test_every_action_is_tried() -> None:
    """An action without an entry fails this."""
    assert routes("POST") == set(ACTIONS) | set(ELSEWHERE)


@pytest.mark.parametrize("route", ACTIONS)
def test_an_action_works_without_scripts(people: Visitors, errands: Errands, route: str) -> None:
    """The browser only sends the form, and the next page says what was done."""

    def enter(login: str, *, at: str) -> Page:
        return people.known(login, at=at, java_script_enabled=False)

    ACTIONS[route](enter, errands)
    pattern = re.sub(r"<\w+>", "[^/]+", f"POST {people.office.url}{route}")
    sent = people.watch.sent
    assert [each for each in sent if re.fullmatch(pattern, each)], sent
