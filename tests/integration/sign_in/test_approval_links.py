"""Approval links: good for one person, signed in, for one decision, within a quarter of an hour."""

from __future__ import annotations

import html
import re
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from broker.domain.accounts import Consent
from broker.domain.approval_links import LIVES
from broker.domain.grant_decisions import GrantRequest
from broker.domain.grants import Access, Grant, GrantState
from broker.domain.identifiers import AccountId, EngineerId, TicketId
from broker.domain.identity.identity_claims import Identity
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerEntry, chain_of
from broker.domain.ports import Save
from broker.domain.tickets import TicketStatus
from broker.services.ambient import utc_now
from broker.services.calls import Call
from broker.services.identity.api_tokens import NewApiToken
from tests.contract.store_samples import a_ticket, an_account, an_event
from tests.integration.api.parallel import at_once
from tests.integration.sign_in.world import SESSION, SITE, World

ACCOUNT = AccountId("111122223333")
CARL = EngineerId("carl@customer.example")
"""A customer who is bound to the account, as the provider knows him."""

ANN = EngineerId("ann@vendor.example")
REASON = """<script>alert("1")</script> & 'so on'"""
OPERATOR = Call(
    caller=Caller(subject="operator:tests", roles=frozenset({Role.ADMIN})),
    request_id="tests",
    source_address="local",
)


@pytest.fixture(autouse=True)
def _account(world: World) -> None:
    """An account whose customer approves each access, and nobody has to be asked at AWS."""
    store = world.services.store
    if store.accounts.get(ACCOUNT) is None:
        account = an_account(ACCOUNT, consent=Consent.PER_GRANT)
        saves = [Save(account, expected=0)]
        store.journal.record(chain_of(ACCOUNT), an_event(), now=utc_now(), saves=saves)


def asked(world: World) -> Grant:
    """Ann's request for a new ticket, which waits."""
    ticket_id = TicketId(f"T-{secrets.token_hex(4)}")
    ticket = a_ticket(ticket_id=ticket_id, account_ids=(ACCOUNT,), assignees=())
    store = world.services.store
    saves = [Save(ticket, expected=0)]
    store.journal.record(BROKER_CHAIN, an_event(), now=utc_now(), saves=saves)
    request = GrantRequest(
        account_id=ACCOUNT,
        ticket_id=ticket_id,
        engineer=ANN,
        access=Access.READ,
        reason=REASON,
        duration=timedelta(hours=1),
    )
    ann = Caller(subject=ANN, roles=frozenset({Role.ENGINEER}))
    return world.services.granting.request(request, replace(OPERATOR, caller=ann))


def program(world: World, *roles: Role, accounts: tuple[AccountId, ...] = ()) -> httpx.Client:
    """A program with an API token of these roles."""
    new = NewApiToken(
        subject=EngineerId("chat-bot"),
        roles=roles,
        account_ids=accounts,
        expires_at=utc_now() + timedelta(hours=1),
    )
    _, secret = world.services.api_tokens.issue(new, OPERATOR)
    return world.with_token(secret)


def linked(world: World, grant: Grant, approver: str = CARL) -> str:
    """A link for `approver`, made by a console's chat bot."""
    with program(world, Role.CONSOLE) as bot:
        answer = bot.post(f"/v1/grants/{grant.grant_id}/approval-link", json={"approver": approver})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["url"])


class Page:
    """Somebody's browser, signed in, and what it does with a link."""

    def __init__(self, world: World, subject: str = CARL, *groups: str) -> None:
        assert world.services.sign_in is not None
        sessions = world.services.sign_in.browser_sessions
        identity = Identity(
            subject=EngineerId(subject),
            groups=groups or ("customer-one",),
            expires_at=utc_now() + timedelta(hours=1),
        )
        self.secret = sessions.open(identity)
        self.http = httpx.Client(
            transport=world.transport, headers={"Cookie": f"{SESSION}={self.secret.text}"}
        )

    def look(self, link: str, method: str = "GET") -> httpx.Response:
        """Follow the link."""
        return self.http.request(method, link)

    def csrf_token(self) -> str:
        """What our pages know."""
        return str(self.http.get(f"{SITE}/v1/me").json()["csrf_token"])

    def click(self, link: str, verdict: str = "approved", **more: str) -> httpx.Response:
        """Press a button."""
        form = {"verdict": verdict, "csrf_token": self.csrf_token(), **more}
        return self.http.post(link, data=form)


def state(world: World, grant: Grant) -> GrantState:
    """How it stands now."""
    stored = world.services.store.grants.get(grant.grant_id)
    assert stored is not None
    return stored.record.decided


def told(answer: httpx.Response, status: int, code: str) -> None:
    """A page that says in a sentence why nothing was done."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert code in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def new_in(world: World, chain: str) -> Callable[[], list[LedgerEntry]]:
    """What is added to the chain from now on."""
    journal = world.services.store.journal
    before = journal.head(chain).seq  # type: ignore[arg-type]
    return lambda: list(journal.entries(chain, after=before, limit=1000))  # type: ignore[arg-type]


def test_from_the_link_over_the_sign_in_to_the_decision(world: World) -> None:
    """Through the real provider: the link leads to the sign-in, and the sign-in back to it."""
    grant = asked(world)
    link = linked(world, grant)
    assert urlsplit(link)._replace(path="").geturl() == SITE
    with world.browser("carl") as browser:
        back = browser.visit(link, until=link)
        assert back.headers["Location"] == link
        page = browser.http.get(link)
        csrf_token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = {"csrf_token": csrf_token, "verdict": "approved", "reason": "go on"}
        done = browser.http.post(link, data=form)
    assert page.status_code == 200
    assert done.status_code == 200, done.text
    assert "Approved" in done.text
    stored = world.services.store.grants.get(grant.grant_id)
    assert stored is not None
    assert stored.record.decided is GrantState.APPROVED
    assert (stored.record.approver, stored.record.decision_reason) == (CARL, "go on")


def test_what_the_page_shows_and_forbids(world: World) -> None:
    """The request, escaped; no script but our own file, no frame, no other site, no copy."""
    grant = asked(world)
    answer = Page(world).look(linked(world, grant))
    assert answer.status_code == 200
    for shown in (ANN, ACCOUNT, grant.ticket_id, "1 hour", CARL):
        assert shown in answer.text
    assert re.findall("<script[^>]*>", answer.text) == [
        re.search('<script src="/static/[0-9a-f]{16}/site.js" defer>', answer.text)[0]
    ]
    assert html.escape(REASON).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in answer.text
    policy = answer.headers["Content-Security-Policy"]
    for directive in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"):
        assert directive in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    # With no-referrer a browser would send the form with `Origin: null`.
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_looking_uses_up_nothing(world: World) -> None:
    """Whoever looks ahead, and however often: the buttons still work."""
    grant = asked(world)
    link, page = linked(world, grant), Page(world)
    for method in ("HEAD", "GET", "HEAD", "GET"):
        assert page.look(link, method).status_code == 200
    with httpx.Client(transport=world.transport) as preview:
        for method in ("HEAD", "GET"):
            answer = preview.request(method, link)
            assert answer.status_code == 303
            assert answer.headers["Location"].startswith("/sign-in?return_to=")
    assert page.click(link, "denied", reason="not now").status_code == 200
    assert state(world, grant) is GrantState.DENIED


def test_a_link_decides_once(world: World) -> None:
    """After that it is gone, for looking too, and the decision stays."""
    grant = asked(world)
    link, page = linked(world, grant), Page(world)
    assert page.click(link).status_code == 200
    for answer in (page.click(link, "denied"), page.click(link), page.look(link)):
        told(answer, 410, "gone")
    assert state(world, grant) is GrantState.APPROVED


def test_of_twenty_clicks_one_counts(world: World) -> None:
    """At the same moment: one page says that it is done, one entry stands in the ledger."""
    grant = asked(world)
    link, page = linked(world, grant), Page(world)
    entries = new_in(world, ACCOUNT)
    clicks = [lambda v=verdict: page.click(link, v) for verdict in ("approved", "denied") * 10]
    answers = Counter(answer.status_code for answer in at_once(clicks))
    assert answers == {200: 1, 410: 19}
    assert [entry.action for entry in entries()] == ["grant.decided"]


def test_a_link_ends_by_itself(world: World) -> None:
    """After a quarter of an hour, for whoever still has it, and in the store."""
    link, page = linked(world, asked(world)), Page(world)
    granting = world.services.granting
    later = replace(granting.links, clock=lambda: utc_now() + LIVES)
    services = world.services
    world.services = replace(services, granting=replace(granting, links=later))
    told(Page(world).look(link), 410, "gone")
    told(Page(world).click(link), 410, "gone")
    world.services = services
    assert page.look(link).status_code == 200


def test_nobody_finds_a_link_by_guessing(world: World) -> None:
    """What is no link is gone as well, whatever it looks like."""
    page = Page(world)
    for secret in ("0" * 64, "x", "%00", "%C3%A9", "a" * 5000):
        told(page.look(f"{SITE}/approvals/{secret}"), 410, "gone")


STRANGERS = {
    "an engineer": ("jane@vendor.example", "support", BROKER_CHAIN),
    "the engineer who asks": (ANN, "support", BROKER_CHAIN),
    "another approver of the account": ("cleo@customer.example", "customer-one", ACCOUNT),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_a_link_is_for_the_person_whom_it_names(world: World, who: str) -> None:
    """Refused and recorded; the link is as good as before for whom it names."""
    subject, group, chain = STRANGERS[who]
    grant = asked(world)
    link, stranger = linked(world, grant), Page(world, subject, group)
    for attempt in (lambda: stranger.look(link), lambda: stranger.click(link)):
        entries = new_in(world, chain)
        told(attempt(), 403, "link_for_another")
        (entry,) = entries()
        assert (entry.actor, entry.outcome, entry.reason) == (
            subject,
            "refused",
            "link_for_another",
        )
        assert entry.ids["grant"] == grant.grant_id
    assert state(world, grant) is GrantState.REQUESTED
    assert Page(world).click(link).status_code == 200


def test_a_link_gives_nobody_a_right(world: World) -> None:
    """Whom it names must have the say all the same."""
    grant = asked(world)
    link = linked(world, grant, "jane@vendor.example")
    jane = Page(world, "jane@vendor.example", "support")
    entries = new_in(world, BROKER_CHAIN)
    told(jane.look(link), 403, "forbidden")
    told(jane.click(link), 403, "forbidden")
    assert [entry.details["asked_for"] for entry in entries()] == ["grants:decide"] * 2
    assert state(world, grant) is GrantState.REQUESTED


def test_a_program_follows_no_link(world: World) -> None:
    """Not even one with the approver's rights: the link is for somebody who has signed in."""
    grant = asked(world)
    link = linked(world, grant, "chat-bot")
    with program(world, Role.CUSTOMER, accounts=(ACCOUNT,)) as bot:
        entries = new_in(world, ACCOUNT)
        told(bot.get(link), 403, "sign_in_required")
        told(bot.post(link, data={"verdict": "approved"}), 403, "sign_in_required")
    assert [entry.reason for entry in entries()] == ["sign_in_required"] * 2
    assert state(world, grant) is GrantState.REQUESTED


FOREIGN: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "no token": ({"csrf_token": ""}, {}),
    "another's token": ({"csrf_token": "A" * 43}, {}),
    "another site": ({}, {"Sec-Fetch-Site": "cross-site"}),
    "another origin": ({}, {"Origin": "https://evil.example"}),
    "no origin": ({}, {"Origin": "null"}),
}


@pytest.mark.parametrize("why", FOREIGN)
def test_no_other_page_presses_the_button(world: World, why: str) -> None:
    """Refused before the link is looked at, so it survives."""
    fields, headers = FOREIGN[why]
    grant = asked(world)
    link, page = linked(world, grant), Page(world)
    form = {"verdict": "approved", "csrf_token": page.csrf_token(), **fields}
    told(page.http.post(link, data=form, headers=headers), 403, "csrf_failed")
    assert state(world, grant) is GrantState.REQUESTED
    assert page.http.post(link, data={**form, "csrf_token": page.csrf_token()}).is_success


@pytest.mark.parametrize(
    "fields", [{"verdict": ""}, {"verdict": "revoked"}, {"reason": "a\nb"}, {"reason": "x" * 501}]
)
def test_what_is_no_decision_uses_up_nothing(world: World, fields: dict[str, str]) -> None:
    """400, and the link still works."""
    grant = asked(world)
    link, page = linked(world, grant), Page(world)
    told(page.click(link, **{"verdict": "approved", **fields}), 400, "invalid_request")
    assert page.click(link).status_code == 200


def test_a_link_gets_around_no_rule(world: World) -> None:
    """A ticket that was closed meanwhile stands in the way here too."""
    grant = asked(world)
    link = linked(world, grant)
    store = world.services.store
    stored = store.tickets.get(grant.ticket_id)
    assert stored is not None
    closed = replace(stored.record, status=TicketStatus.CLOSED)
    saves = [Save(closed, expected=stored.version)]
    store.journal.record(BROKER_CHAIN, an_event(), now=utc_now(), saves=saves)
    told(Page(world).click(link), 403, "ticket_closed")
    assert state(world, grant) is GrantState.REQUESTED


def test_after_the_decision_a_link_shows_that_there_is_none_to_take(world: World) -> None:
    """Two links for one request: the second has no buttons, and decides nothing."""
    grant = asked(world)
    first, second = linked(world, grant), linked(world, grant)
    page = Page(world)
    assert page.click(first, "denied").status_code == 200
    shown = page.look(second)
    assert "denied" in shown.text
    assert "verdict" not in shown.text
    told(page.click(second), 409, "grant_already_decided")
    assert state(world, grant) is GrantState.DENIED


def test_no_link_for_what_cannot_be_decided(world: World) -> None:
    """Neither for whom it concerns, nor for what is over; both are in the account's chain."""
    grant = asked(world)
    address = f"/v1/grants/{grant.grant_id}/approval-link"
    entries = new_in(world, ACCOUNT)
    with program(world, Role.CONSOLE) as bot:
        assert bot.post(address, json={"approver": ANN.upper()}).json()["code"] == "own_request"
        assert bot.post(address, json={"approver": CARL}).status_code == 201
        revoked = {"reason": "withdrawn"}
        assert bot.post(f"/v1/grants/{grant.grant_id}/revocation", json=revoked).is_success
        late = bot.post(address, json={"approver": CARL}).json()
    assert (late["code"], late["state"]) == ("grant_already_decided", "revoked")
    assert [(entry.action, entry.outcome) for entry in entries()] == [
        ("grant.approval_link_made", "refused"),
        ("grant.approval_link_made", "done"),
        ("grant.revoked", "done"),
        ("grant.approval_link_made", "refused"),
    ]


def test_only_the_hash_of_a_link_is_kept(world: World) -> None:
    """Neither the store nor the ledger in it holds what the link is made of."""
    secret = linked(world, asked(world)).rpartition("/")[2]
    assert len(secret) == 64
    assert secret not in world.everything_stored()


def test_a_link_is_given_once(world: World) -> None:
    """The same request again, by its Idempotency-Key, gets no copy of it."""
    grant = asked(world)
    address = f"/v1/grants/{grant.grant_id}/approval-link"
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    with program(world, Role.CONSOLE) as bot:
        first, second = (
            bot.post(address, json={"approver": CARL}, headers=headers) for _ in range(2)
        )
    assert first.status_code == 201
    assert second.json()["code"] == "already_answered"
