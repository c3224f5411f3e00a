"""Sessions at the pages: opened, shown once, watched, revoked; and the way into the console."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.integration.api.world import ACCOUNT, ASKING
from tests.integration.pages.document import Document
from tests.integration.pages.world import Site, Visitor, led_to, shown, subject

SECRETS = ("secret_access_key", "session_token")


def open_session(site: Site, ticket: str, **fields: str) -> tuple[Visitor, Document]:
    """The page that shows ann's credentials for a new ticket."""
    site.world.write_ticket(ticket, ACCOUNT)
    ann = site.visitor("ann")
    asked = {"account_id": ACCOUNT, "ticket": ticket, **fields}
    return ann, shown(ann.post("/sessions", **asked))


def console_form(page: Document) -> tuple[str, dict[str, str]]:
    """Where the form leads that holds the credentials, and what it sends."""
    (form,) = [form for form in page.forms if form.action.endswith("/console")]
    return form.action, form.fields


def test_credentials_are_shown_once(site: Site) -> None:
    """In the form of each shell, and nowhere afterwards."""
    ann, page = open_session(site, "SESS-1", services="ec2, s3", minutes="15")
    action, fields = console_form(page)
    for form in ("export AWS_SESSION_TOKEN=", "$Env:AWS_SESSION_TOKEN = ", "set -gx AWS_"):
        assert form in page.text
    assert "aws_session_token = " in page.text
    assert "only ec2, s3" in page.text
    session_path = action.removesuffix("/console")
    for path in (session_path, "/sessions", "/tickets/SESS-1"):
        html = ann.get(path).text
        for name in SECRETS:
            assert fields[name] not in html
    assert fields["access_key_id"] in ann.get(session_path).text


def test_the_page_of_a_session(site: Site) -> None:
    """Whose it is, for what, and how long it has got."""
    session_id = site.opened("ann", "SESS-2")
    page = site.visitor("ann").page(f"/sessions/{session_id}")
    for words in (subject("ann"), "SESS-2", ACCOUNT, "live"):
        assert words in page.text
    (counted,) = [given for tag, given in page.tags if "data-countdown" in given]
    assert counted["datetime"].endswith("Z")
    assert page.actions == {f"/sessions/{session_id}/revocation"}


def test_a_revocation(site: Site) -> None:
    """It says how far it has come, and is offered once."""
    session_id = site.opened("ann", "SESS-3")
    ann, path = site.visitor("ann"), f"/sessions/{session_id}"
    assert ann.done(f"{path}/revocation") == f"{path}?done=session-revoked"
    page = ann.page(path)
    assert "revoked" in page.text
    assert "Written down" in page.text
    assert "Denied in the account after" in page.text
    assert page.actions == set()


def test_where_the_customer_is_asked_first(site: Site) -> None:
    """There is a form to ask with; once asked, the request is shown instead of another form."""
    site.world.write_ticket("SESS-4", ASKING)
    ann = site.visitor("ann")
    asked = {"account_id": ASKING, "ticket": "SESS-4", "reason": "See <the> queue"}
    page = shown(ann.post("/sessions", **asked))
    form = page.form("/requests")
    assert form.fields["reason"] == "See <the> queue"
    filled_in = {**form.fields, "access": "read", "minutes": "60"}
    grant = led_to(ann.http.post("/requests", data=filled_in))
    assert ann.done("/sessions", **asked) == grant.partition("?")[0]
    assert ann.done("/console", **asked) == grant.partition("?")[0]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"minutes": "5"}, "minutes"),
        ({"minutes": "soon"}, "minutes"),
        ({"services": "ec2 no/such"}, "services"),
        ({"access": "write"}, "access"),
        ({"account_id": "12"}, "account id"),
        ({"more": "than the form has"}, "more"),
    ],
    ids=str,
)
def test_what_does_not_fit(site: Site, fields: dict[str, str], told: str) -> None:
    """The field is named, and nothing is opened."""
    site.world.write_ticket("SESS-5", ACCOUNT)
    before = len(site.ledger(ACCOUNT))
    asked = {"account_id": ACCOUNT, "ticket": "SESS-5", **fields}
    page = shown(site.visitor("ann").post("/sessions", **asked), 400)
    assert told in page.text
    assert "invalid_request" in page.text
    assert len(site.ledger(ACCOUNT)) == before


def test_a_form_of_another_page_opens_nothing(site: Site) -> None:
    """Without the token that only our pages know it is refused."""
    site.world.write_ticket("SESS-6", ACCOUNT)
    fields = {"account_id": ACCOUNT, "ticket": "SESS-6"}
    for path in ("/sessions", "/console"):
        answer = site.visitor("ann").without_token(path, **fields)
        assert "AWS_SECRET" not in shown(answer, 403).text


def test_a_refusal_is_told_in_words(site: Site) -> None:
    """With its code, and with the status that it has for programs."""
    site.world.write_ticket("SESS-7", ACCOUNT, status="closed")
    answer = site.visitor("ann").post("/sessions", account_id=ACCOUNT, ticket="SESS-7")
    page = shown(answer, 403)
    assert "The ticket is closed." in page.text
    assert "ticket_closed" in page.text


def test_into_the_console_with_one_click(site: Site) -> None:
    """The browser is led there; nobody sees credentials, and the page allowed it to go there."""
    site.world.write_ticket("SESS-8", ACCOUNT)
    ann = site.visitor("ann")
    policy = ann.get("/tickets/SESS-8").headers["Content-Security-Policy"]
    answer = ann.post("/console", account_id=ACCOUNT, ticket="SESS-8", destination="ec2")
    assert answer.status_code == 303
    assert answer.text == ""
    leads_to = urlsplit(answer.headers["Location"])
    assert f"form-action 'self' {leads_to.scheme}://{leads_to.netloc} " in policy
    assert "Action=login" in leads_to.query


def test_into_the_console_with_an_open_session(site: Site) -> None:
    """With the credentials that the page has shown; with others' it is refused."""
    ann, page = open_session(site, "SESS-9")
    action, fields = console_form(page)
    assert led_to(ann.http.post(action, data=fields)).startswith("http")
    wrong = {**fields, "access_key_id": "ASIAANOTHERSESSION00"}
    refused = ann.http.post(action, data=wrong)
    assert "credentials_of_another_session" in shown(refused, 403).text
    for name in SECRETS:
        assert fields[name] not in refused.text
        broken = ann.http.post(action, data={**fields, name: f"{fields[name]} broken"})
        assert fields[name] not in shown(broken, 400).text


def test_others_see_what_is_theirs(site: Site) -> None:
    """The account's customer and an auditor see it; another engineer and customer do not."""
    path = f"/sessions/{site.opened('ann', 'SESS-10')}"
    customer = site.visitor("carl").page(path)
    assert customer.actions == {f"{path}/revocation"}
    assert any("/ledger?session=" in address for address in customer.addresses)
    assert site.visitor("otto").page(path).actions == set()
    for name in ("gus", "nora"):
        assert site.visitor(name).get(path).status_code == 404
        assert site.visitor(name).post(f"{path}/revocation").status_code == 404


def test_what_it_did(site: Site) -> None:
    """From the trail, with what has been looked at."""
    session_id = site.opened("ann", "SESS-11")
    page = site.visitor("ann").page(f"/sessions/{session_id}/activity")
    assert "Looked at:" in page.text
    assert "us-east-1" in page.text
    assert site.visitor("gus").get(f"/sessions/{session_id}/activity").status_code == 404


def test_a_stranger_is_led_to_the_sign_in_and_back(site: Site) -> None:
    """Looking leads there; a form of somebody who is not signed in does nothing."""
    session_id = site.opened("ann", "SESS-12")
    path = f"/sessions/{session_id}"
    answer = site.stranger().get(f"{path}/activity", region="eu-west-1")
    assert answer.status_code == 303
    assert answer.headers["Location"] == (
        f"/sign-in?return_to=%2Fsessions%2F{session_id}%2Factivity%3Fregion%3Deu-west-1"
    )
    assert "unauthenticated" in shown(site.stranger().post(f"{path}/revocation"), 401).text
    assert "live" in site.visitor("ann").page(path).text


@pytest.mark.parametrize(
    ("came_from", "leads_back"),
    [
        ("{site}/tickets?cursor=x", "/tickets?cursor=x"),
        ("https://elsewhere.example/tickets", None),
        ("{site}//elsewhere.example/", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_a_refusal_leads_back(site: Site, came_from: str, leads_back: str | None) -> None:
    """To the page of ours from which somebody came, and to nobody else's."""
    ann = site.visitor("ann")
    headers = {"Referer": came_from.format(site=site.services.public_url)}
    page = shown(ann.http.get("/tickets/NONE-1", headers=headers), 404)
    back = [link.address for link in page.links if link.label == "Back"]
    assert back == ([] if leads_back is None else [leads_back])


def test_refusals_speak_to_people(site: Site) -> None:
    """The API names its own requests, which nobody makes in a browser."""
    page = shown(site.visitor("ann").get("/overview"), 403)
    assert "Your roles do not allow this." in page.text
    assert "GET /v1" not in page.text
