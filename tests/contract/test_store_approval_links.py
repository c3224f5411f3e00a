"""Approval links in the store: found until they are taken, taken once, gone after their time."""

from __future__ import annotations

from datetime import timedelta

from broker.domain.approval_links import LIVES, ApprovalLink, link_hash
from broker.domain.identifiers import GrantId
from broker.store import Store
from tests.contract.store_samples import NOW, ONE
from tests.integration.api.parallel import at_once

LINK = ApprovalLink(
    grant_id=GrantId("gr-" + "0" * 20),
    account_id=ONE,
    approver="carl@customer.example",
    made_by="chat-bot",
    expires_at=NOW + LIVES,
)
DIGEST, OTHER = link_hash("a" * 64), link_hash("b" * 64)


def test_a_link_is_found_as_it_was_kept(store: Store) -> None:
    """By its hash, as often as somebody looks, and by no other."""
    store.approval_links.keep(DIGEST, LINK)
    assert store.approval_links.get(DIGEST) == LINK
    assert store.approval_links.get(DIGEST) == LINK
    assert store.approval_links.get(OTHER) is None
    assert store.approval_links.take(OTHER) is None


def test_of_many_who_take_it_one_gets_it(store: Store) -> None:
    """At the same moment; after that nobody finds it any more."""
    store.approval_links.keep(DIGEST, LINK)
    taken = at_once([lambda: store.approval_links.take(DIGEST)] * 20)
    assert sorted(taken, key=bool) == [None] * 19 + [LINK]
    assert store.approval_links.get(DIGEST) is None


def test_the_server_forgets_it_by_itself(store: Store) -> None:
    """After a quarter of an hour, whether anybody looks or not."""
    store.approval_links.keep(DIGEST, LINK)
    key = store.approval_links._keyspace.approval_link(DIGEST)  # type: ignore[attr-defined]
    left = store._connection.send("PTTL", key)
    whole = LIVES // timedelta(milliseconds=1)
    assert whole - 5000 < left <= whole
