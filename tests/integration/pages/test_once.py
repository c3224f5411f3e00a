"""Forms that count once: a reload of the answer, a second click and a way back do nothing anew."""

from __future__ import annotations

import httpx
import pytest

from broker.domain.ports import InProgress
from broker.store.idempotency import Idempotency
from broker.web.pages import SECTIONS
from broker.web.pages.once import FIELD, Counts
from tests.integration.api.world import ACCOUNT, ASKING, OTHER, UNREADY
from tests.integration.pages.document import Document, Form
from tests.integration.pages.world import Site, Visitor, led_to, shown

SECRETS = ("secret_access_key", "session_token")


def form_of(site: Site, ticket: str, account_id: str = ACCOUNT) -> dict[str, str]:
    """What ann's form sends that opens a session for a ticket that is made here."""
    site.world.write_ticket(ticket, account_id)
    page = site.visitor("ann").page(f"/tickets/{ticket}")
    return dict(page.form("/sessions").fields)


def send(visitor: Visitor, form: dict[str, str]) -> httpx.Response:
    """The answer to the form, as it stands."""
    return visitor.http.post("/sessions", data=form)


def counted(page: Document) -> list[Form]:
    """The forms of a page whose repetition does harm."""
    return [
        form
        for form in page.forms
        if form.action == "/sessions" or form.action.endswith("/emergency-rotation")
    ]


def test_what_counts_once() -> None:
    """Credentials are shown, and keys dropped, once for each time that somebody means it."""
    addresses = [each for section in SECTIONS for each in section.addresses]
    once = {each.path for each in addresses if each.counts is Counts.ONCE}
    assert once == {"/sessions", "/accounts/<account_id>/emergency-rotation"}


def test_each_copy_of_such_a_form_has_a_key_of_its_own(site: Site) -> None:
    """Random, and another one each time that the page is asked for."""
    site.world.write_ticket("AAA-ONCE", ACCOUNT, OTHER)
    ann, ruth = site.visitor("ann"), site.visitor("ruth")
    pages = [
        *(ann.page(path) for path in ("/tickets", "/tickets/AAA-ONCE", "/tickets")),
        ruth.page(f"/accounts/{ACCOUNT}"),
    ]
    forms = [form for page in pages for form in counted(page)]
    keys = [form.fields[FIELD] for form in forms]
    assert {form.action.rpartition("/")[2] for form in forms} == {"sessions", "emergency-rotation"}
    assert len(set(keys)) == len(keys) > 4
    assert all(len(key) >= 22 for key in keys), keys


def test_a_form_that_is_sent_again_opens_nothing(site: Site) -> None:
    """It leads to the session that it opened, which says that nobody can show its credentials.

    From there one goes on: revoke it, or open another. The credentials are kept nowhere.
    """
    ann, form = site.visitor("ann"), form_of(site, "ONCE-1")
    opened = shown(send(ann, form))
    (secrets,) = [each for each in opened.forms if each.action.endswith("/console")]
    entries = len(site.ledger(ACCOUNT))
    for _ in range(2):
        answer = send(ann, form)
        address = led_to(answer)
        assert address == f"{secrets.action.removesuffix('/console')}?done=shown-already"
    page = ann.page(address)
    assert "These credentials were shown already." in page.text
    assert page.actions == {f"{address.partition('?')[0]}/revocation"}
    assert f"/tickets/ONCE-1#account-{ACCOUNT}" in page.addresses
    assert len(site.ledger(ACCOUNT)) == entries
    kept = repr(site.world.dump())
    for name in SECRETS:
        assert secrets.fields[name] not in answer.text + page.html + kept


def test_the_same_form_from_its_page_anew_opens_another(site: Site) -> None:
    """Whoever loads the page again and sends its form wants a session more."""
    ann = site.visitor("ann")
    first, second = form_of(site, "ONCE-2"), form_of(site, "ONCE-2")
    for form in (first, second):
        assert "AWS_SECRET_ACCESS_KEY" in shown(send(ann, form)).text


def test_a_form_that_came_to_nothing_may_be_sent_again(site: Site) -> None:
    """A refusal uses up no key, nor does a customer who has to be asked first."""
    ann, form = site.visitor("ann"), form_of(site, "ONCE-3")
    site.world.write_ticket("ONCE-3", ACCOUNT, status="closed")
    for _ in range(2):
        assert "ticket_closed" in shown(send(ann, form), 403).text
    site.world.write_ticket("ONCE-3", ACCOUNT)
    assert "AWS_SECRET_ACCESS_KEY" in shown(send(ann, form)).text

    site.world.write_ticket("ONCE-4", ASKING)
    asked = {**form, "account_id": ASKING, "ticket": "ONCE-4", FIELD: "another-key"}
    for _ in range(2):
        assert "The customer is asked first" in shown(send(ann, asked)).text
    ann.done("/requests", account_id=ASKING, ticket="ONCE-4", reason="To look")
    for _ in range(2):
        assert led_to(send(ann, asked)).startswith("/requests/")


def test_a_key_is_one_persons(site: Site) -> None:
    """Nobody meets with what another's form has come to."""
    form = form_of(site, "ONCE-5")
    assert "AWS_SECRET_ACCESS_KEY" in shown(send(site.visitor("ann"), form)).text
    gus = site.visitor("gus")
    opened = send(gus, {**form, "csrf_token": gus.csrf_token})
    assert "AWS_SECRET_ACCESS_KEY" in shown(opened).text


def test_a_form_that_was_changed_after_it_was_sent(site: Site) -> None:
    """It opens nothing, and says in a browser's words what to do."""
    ann, form = site.visitor("ann"), form_of(site, "ONCE-6")
    shown(send(ann, form))
    entries = len(site.ledger(ACCOUNT))
    page = shown(send(ann, {**form, "minutes": "15"}), 409)
    assert "idempotency_key_reused" in page.text
    assert "load its page again" in page.text
    assert len(site.ledger(ACCOUNT)) == entries


def test_a_form_that_is_sent_while_it_is_answered(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second click opens nothing, and is told to come again in a moment."""
    ann, form = site.visitor("ann"), form_of(site, "ONCE-7")
    entries = len(site.ledger(ACCOUNT))
    with monkeypatch.context() as patched:
        patched.setattr(Idempotency, "begin", lambda *_, **__: InProgress())
        page = shown(send(ann, form), 409)
    assert "request_in_progress" in page.text
    assert "Load this page again in a few seconds" in page.text
    assert len(site.ledger(ACCOUNT)) == entries


@pytest.mark.parametrize("key", ["x" * 201, "two words", "é"])
def test_what_is_no_key_is_named(site: Site, key: str) -> None:
    """Nobody fills the store with what no page of ours sends."""
    form = {**form_of(site, "ONCE-8"), FIELD: key}
    assert "once" in shown(send(site.visitor("ann"), form), 400).text


def emergencies(site: Site, account_id: str) -> int:
    """How many were declared in the account."""
    return len(
        [each for each in site.ledger(account_id) if each.details.get("urgency") == "emergency"]
    )


def test_an_emergency_is_declared_once(site: Site) -> None:
    """Sent again, it does not drop the key that has just begun to sign."""
    ruth, path = site.visitor("ruth"), f"/accounts/{UNREADY}"
    before = emergencies(site, UNREADY)
    form = ruth.page(path).form(f"{path}/emergency-rotation").fields | {"sure": "yes"}
    answers = [ruth.http.post(f"{path}/emergency-rotation", data=form) for _ in range(2)]
    assert [led_to(each) for each in answers] == [f"{path}?done=keys-dropped"] * 2
    assert emergencies(site, UNREADY) == before + 1
