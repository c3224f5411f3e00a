"""Which entries are told, to whom, and as what."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from broker.domain.ledger.entries import (
    BROKER_CHAIN,
    Chain,
    Event,
    Head,
    LedgerAction,
    LedgerEntry,
    Outcome,
    seal,
)
from broker.domain.webhooks.endpoints import Endpoint, Endpoints, Networks, Url
from broker.domain.webhooks.events import EventType, body_of, type_of
from broker.domain.webhooks.signature import Secret
from tests.unit.domain.making import ACCOUNT, NOW, OTHER_ACCOUNT

CHAIN = Chain(ACCOUNT)


def an_entry(
    action: LedgerAction,
    outcome: Outcome = Outcome.DONE,
    *,
    chain: Chain = CHAIN,
    **details: Any,
) -> LedgerEntry:
    event = Event(actor="jane@vendor.example", action=action, outcome=outcome, details=details)
    return seal(event, chain=chain, head=Head(), at=NOW)


ENDPOINT = Endpoint(
    name="chat",
    url=Url.parse("https://chat.example.com/hooks"),
    secrets=(Secret(b"s" * 24),),
    events=frozenset(EventType),
    accounts=None,
    networks=Networks.INTERNET,
)

TOLD = [
    LedgerAction.GRANT_REQUESTED,
    LedgerAction.GRANT_DECIDED,
    LedgerAction.GRANT_REVOKED,
    LedgerAction.GLASS_BROKEN,
    LedgerAction.SESSION_OPENED,
    LedgerAction.SESSION_REVOKED,
    LedgerAction.REVOCATION_EFFECTIVE,
    LedgerAction.TICKET_ENDED,
    LedgerAction.ACCOUNT_REVOKED,
]


@pytest.mark.parametrize("action", LedgerAction)
def test_these_actions_are_told_under_their_own_name(action: LedgerAction) -> None:
    """Everything else stands in the ledger, and nobody is told; some depends on the details."""
    kind = type_of(an_entry(action))
    assert kind == (action.value if action in TOLD else None)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_session_is_told_once_it_is_known_what_became_of_it(outcome: Outcome) -> None:
    """Opened, refused or failed; but a revocation is news from the moment it is wanted."""
    opened = type_of(an_entry(LedgerAction.SESSION_OPENED, outcome))
    assert (opened is None) == (outcome is Outcome.INTENDED)
    revoked = type_of(an_entry(LedgerAction.SESSION_REVOKED, outcome))
    assert revoked is EventType.SESSION_REVOKED


@pytest.mark.parametrize(
    ("details", "kind"),
    [
        ({"state": "degraded", "was": "active"}, EventType.ACCOUNT_DEGRADED),
        ({"state": "degraded", "was": "degraded"}, None),
        ({"state": "active", "was": "degraded"}, None),
        ({"state": "removed", "was": "removing"}, None),
    ],
)
def test_an_account_is_told_when_it_becomes_degraded(
    details: dict[str, str], kind: EventType | None
) -> None:
    """Not at each check that finds it so again."""
    assert type_of(an_entry(LedgerAction.ACCOUNT_RECONCILED, Outcome.FAILED, **details)) is kind


def test_of_an_accounts_changes_consent_is_told() -> None:
    """The customer's word; a profile is between the vendor and the customer."""
    assert type_of(an_entry(LedgerAction.ACCOUNT_CHANGED, consent="off")) is (
        EventType.CONSENT_CHANGED
    )
    assert type_of(an_entry(LedgerAction.ACCOUNT_CHANGED, profile="full")) is None


@pytest.mark.parametrize("kind", EventType)
def test_only_broken_glass_is_urgent(kind: EventType) -> None:
    """Whoever is woken at night must be woken for this only."""
    event = json.loads(body_of(an_entry(LedgerAction.GRANT_REQUESTED), kind))
    assert event["urgent"] is (kind is EventType.GLASS_BROKEN)


def test_nobodys_free_text_gets_into_the_sentence_for_chat_tools() -> None:
    """A reason could hold markup that calls a whole channel."""
    entry = replace(
        an_entry(LedgerAction.GRANT_REQUESTED, subject="<!channel>"), reason="<!channel> @all"
    )
    event = json.loads(body_of(entry, EventType.GRANT_REQUESTED))
    assert event["reason"] == "<!channel> @all"
    assert event["text"] == (f"Access requested (done): account {ACCOUNT}, by jane@vendor.example.")


def test_the_sentence_says_how_it_was_decided_and_for_whom() -> None:
    """Done would be true of a denial too."""
    entry = replace(
        an_entry(LedgerAction.GRANT_DECIDED, verdict="denied", engineer="john@vendor.example"),
        actor="the-customer",
        ids={"ticket": "T-1042"},
    )
    event = json.loads(body_of(entry, EventType.GRANT_DECIDED))
    assert event["text"] == (
        f"Request for access decided (denied): account {ACCOUNT}, ticket T-1042, "
        "for john@vendor.example, by the-customer."
    )


def test_a_decision_that_was_refused_is_not_told_as_one() -> None:
    """An approval that did not count must not read like one."""
    entry = an_entry(LedgerAction.GRANT_DECIDED, Outcome.REFUSED, verdict="approved")
    event = json.loads(body_of(entry, EventType.GRANT_DECIDED))
    assert event["text"].startswith("Request for access decided (refused): ")


def test_the_sentence_says_what_the_customer_has_consented_to() -> None:
    """Whoever reads the channel must see that access is off, without looking it up."""
    entry = an_entry(LedgerAction.ACCOUNT_CHANGED, consent="off")
    event = json.loads(body_of(entry, EventType.CONSENT_CHANGED))
    assert event["text"] == f"Consent changed (off): account {ACCOUNT}, by jane@vendor.example."


def test_the_same_entry_makes_the_same_bytes() -> None:
    """A repetition can be told by its body too."""
    entry = an_entry(LedgerAction.GRANT_REQUESTED, b="2", a="1")
    again = replace(entry, details={"a": "1", "b": "2"})
    assert body_of(entry, EventType.GRANT_REQUESTED) == body_of(again, EventType.GRANT_REQUESTED)


@pytest.mark.parametrize("chain", [CHAIN, Chain(OTHER_ACCOUNT), BROKER_CHAIN])
def test_an_endpoint_that_is_bound(chain: Chain) -> None:
    """Its own account's chain, and no other: not even the broker's."""
    bound = replace(ENDPOINT, accounts=frozenset({ACCOUNT}))
    entry = an_entry(LedgerAction.SESSION_OPENED, chain=chain)
    assert bound.hears(chain) == (chain == ACCOUNT)
    assert (bound.told_as(entry) is not None) == (chain == ACCOUNT)
    assert ENDPOINT.hears(chain)


def test_an_endpoint_is_told_what_it_asked_for() -> None:
    """And the journal hints nobody else."""
    picky = replace(ENDPOINT, name="picky", events=frozenset({EventType.GLASS_BROKEN}))
    every = Endpoints((ENDPOINT, picky))
    requested, broken = (
        an_entry(action) for action in (LedgerAction.GRANT_REQUESTED, LedgerAction.GLASS_BROKEN)
    )
    assert every.concerned([requested]) == ["chat"]
    assert every.concerned([requested, broken]) == ["chat", "picky"]
    assert every.concerned([an_entry(LedgerAction.SIGNED_IN)]) == []
    assert every.named("picky") is picky
    assert every.named("other") is None


def test_an_endpoint_does_not_print_what_is_secret() -> None:
    """Neither its secrets nor the path of its URL, which chat tools make a secret of."""
    endpoint = replace(ENDPOINT, url=Url.parse("https://chat.example.com/hooks/canary-path"))
    assert "canary-path" not in repr(endpoint)
    assert "ssss" not in repr(endpoint)
    assert endpoint.url.place == "https://chat.example.com"


GOOD_URLS = {
    "https://chat.example.com/hooks/a?b=c": ("chat.example.com", 443, "/hooks/a?b=c"),
    "https://chat.example.com": ("chat.example.com", 443, "/"),
    "https://10.0.0.7:8443/x": ("10.0.0.7", 8443, "/x"),
    "http://127.0.0.1:5000/x": ("127.0.0.1", 5000, "/x"),
    "http://localhost/": ("localhost", 80, "/"),
}
BAD_URLS = [
    "http://chat.example.com/",
    "http://127.0.0.1.example.com/",
    "http://localhost.example.com/",
    "https://user@chat.example.com/",
    "https://chat.example.com/#part",
    "https://chat.example.com\\@evil.example/",
    "https://Chat.example.com/",
    "https://chat.example.com:99999/",
    "https://chat.example.com:0/",
    "https://chat.example.com/ x",
    "https://chat.example.com/\n",
    "https:///x",
    "ftp://chat.example.com/",
    "",
]


@pytest.mark.parametrize("text", GOOD_URLS)
def test_a_url_that_can_be_posted_to(text: str) -> None:
    """Taken apart once."""
    url = Url.parse(text)
    assert (url.host, url.port, url.target) == GOOD_URLS[text]


@pytest.mark.parametrize("text", BAD_URLS)
def test_a_url_that_cannot(text: str) -> None:
    """Without TLS, or such that another parser might see another host in it."""
    with pytest.raises(ValueError, match="must"):
        Url.parse(text)
