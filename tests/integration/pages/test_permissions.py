"""Who gets which page: every address of the site, every role, a stranger, and another customer.

The table is written by hand, in other words than the broker's own: an address that stands in no
row of it fails, and so does a person to whom a row does not apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import Head, chain_of
from broker.web.pages import SECTIONS
from tests.integration.api.world import ACCOUNT, ASKING, OTHER, UNREADY
from tests.integration.pages.world import PEOPLE, Site, led_to, shown

EVERYBODY = frozenset(PEOPLE) - {"ned"}
FOREIGN = frozenset({"nora", "eve", "rita"})
"""A customer, an engineer and an admin, all of another account only."""

AT_HOME = EVERYBODY - FOREIGN
ENGINEERS = frozenset({"ann", "gus", "bree"})
OPERATORS = frozenset({"cora", "ruth"})
CARL = frozenset({"carl"})
READERS = CARL | {"otto", "ruth"}
WITH_SESSIONS = EVERYBODY - {"paul"}

NOT_ALLOWED, HIDDEN = 403, 404


@dataclass(frozen=True, kw_only=True)
class Row:
    """Who may, and from whom it is hidden; all others are refused. `sends` is what the form has.

    What is asked for is made so that it changes nothing for the next who asks.
    """

    may: frozenset[str]
    hidden: frozenset[str] = frozenset()
    account: str = ACCOUNT
    sends: Mapping[str, str] = field(default_factory=dict)


_ANNS_SESSION = EVERYBODY & {"ann", "carl", "cora", "otto", "ruth"}
_ANNS_GRANT = _ANNS_SESSION | {"paul"}
_SURE = {"sure": "yes"}
_REASON = {"reason": ""}
_ASKED = {"account_id": ACCOUNT, "ticket": "RIGHTS-1"}

TABLE: Mapping[str, Row] = {
    "GET /overview": Row(may=OPERATORS | {"otto"}),
    "GET /search": Row(may=EVERYBODY),
    "GET /tickets": Row(may=EVERYBODY),
    "GET /tickets/<ticket_id>": Row(may=AT_HOME, hidden=FOREIGN),
    "GET /sessions": Row(may=WITH_SESSIONS),
    "POST /sessions": Row(may=ENGINEERS | {"cora"}, sends=_ASKED),
    "POST /console": Row(may=ENGINEERS | {"cora"}, sends=_ASKED),
    "GET /sessions/<session_id>": Row(may=_ANNS_SESSION, hidden=WITH_SESSIONS - _ANNS_SESSION),
    "POST /sessions/<session_id>/console": Row(
        may=frozenset({"ann", "cora"}), hidden=frozenset({"gus", "bree", "eve"})
    ),
    "POST /sessions/<session_id>/revocation": Row(
        may=frozenset({"ann", "carl", "cora", "ruth"}),
        hidden=frozenset({"gus", "bree", "nora", "eve", "rita"}),
    ),
    "GET /sessions/<session_id>/activity": Row(
        may=frozenset({"ann", "carl", "otto", "ruth"}),
        hidden=frozenset({"gus", "bree", "nora", "eve", "rita"}),
    ),
    "GET /requests": Row(may=EVERYBODY),
    "POST /requests": Row(may=ENGINEERS | {"cora"}, sends=_ASKED),
    "GET /requests/<grant_id>": Row(may=_ANNS_GRANT, hidden=EVERYBODY - _ANNS_GRANT),
    "POST /requests/<grant_id>/approval": Row(
        may=CARL | {"paul"}, hidden=frozenset({"nora"}), sends=_REASON
    ),
    "POST /requests/<grant_id>/denial": Row(
        may=CARL | {"paul"}, hidden=frozenset({"nora"}), sends=_REASON
    ),
    "POST /requests/<grant_id>/revocation": Row(
        may=_ANNS_GRANT - {"otto"},
        hidden=EVERYBODY - _ANNS_GRANT,
        sends=_REASON,
    ),
    "GET /accounts": Row(may=EVERYBODY),
    "GET /accounts/<account_id>": Row(may=AT_HOME),
    "GET /accounts/<account_id>/plan": Row(may=OPERATORS),
    "POST /accounts/<account_id>/consent": Row(may=CARL, sends={"consent": "standing"}),
    "POST /accounts/<account_id>/checkpoint-bucket": Row(may=CARL, sends={"bucket": ""}),
    "POST /accounts/<account_id>/revocation": Row(
        may=CARL | OPERATORS, account=UNREADY, sends=_SURE
    ),
    "POST /accounts/<account_id>/reconciliation": Row(may=OPERATORS, account=UNREADY),
    "POST /accounts/<account_id>/key-rotation": Row(may=OPERATORS, account=UNREADY),
    "POST /accounts/<account_id>/emergency-rotation": Row(
        may=OPERATORS, account=UNREADY, sends=_SURE
    ),
    "GET /accounts/<account_id>/ledger": Row(may=READERS),
    "POST /accounts/<account_id>/ledger/checkpoint": Row(may=READERS),
    "GET /accounts/<account_id>/proof": Row(may=READERS | {"cora"}),
    "POST /accounts/<account_id>/proof": Row(may=READERS | {"cora"}),
}

ADDRESSES = sorted(
    f"{each.method} {each.path}" for section in SECTIONS for each in section.addresses
)
WRITES = [address for address in ADDRESSES if address.startswith("POST ")]


@dataclass(frozen=True)
class Objects:
    """What addresses name, and the credentials of the session among it."""

    session_id: str
    revoked_id: str
    grant_id: str
    credentials: Mapping[str, str] = field(repr=False)

    def path(self, address: str) -> str:
        """The path of an address, with ids in place of their names."""
        revoking = address == "POST /sessions/<session_id>/revocation"
        return (
            address.split(" ")[1]
            .replace("<account_id>", row(address).account)
            .replace("<ticket_id>", "RIGHTS-1")
            .replace("<session_id>", self.revoked_id if revoking else self.session_id)
            .replace("<grant_id>", self.grant_id)
        )

    def form(self, address: str) -> Mapping[str, str]:
        """What the form there sends."""
        if address == "POST /sessions/<session_id>/console":
            names = ("access_key_id", "secret_access_key", "session_token")
            return {name: self.credentials[name] for name in names}
        return row(address).sends


@pytest.fixture(scope="module")
def objects(site: Site) -> Objects:
    """Two sessions of Ann's, and a grant of hers that she has withdrawn before anybody decided."""
    opened = site.credentials("ann", "RIGHTS-1")
    revoked_id = site.opened("ann", "RIGHTS-1")
    grant_id = site.asked("ann", "RIGHTS-2")
    site.visitor("ann").done(f"/requests/{grant_id}/revocation", reason="")
    return Objects(opened["session"]["id"], revoked_id, grant_id, opened["credentials"])


def row(address: str) -> Row:
    """The address's row of the table."""
    assert address in TABLE, f"{address} is in no row: say who may"
    return TABLE[address]


def asked(site: Site, objects: Objects, name: str, address: str, **more: Any) -> httpx.Response:
    """The answer to somebody who asks at the address."""
    path, visitor = objects.path(address), site.visitor(name)
    if address.startswith("GET "):
        return visitor.get(path)
    return visitor.post(path, **objects.form(address), **more)


def heads(site: Site) -> list[Head]:
    """How far the accounts' chains have come."""
    chains = [chain_of(AccountId.parse(each)) for each in (ACCOUNT, ASKING, OTHER, UNREADY)]
    return [site.services.store.journal.head(chain) for chain in chains]


def test_the_table_has_every_address_and_no_other() -> None:
    """A page that is added has to say who may see it."""
    assert sorted(TABLE) == ADDRESSES


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_who_gets_what(site: Site, objects: Objects, name: str, address: str) -> None:
    """Let in, or refused with a page and without a trace in any account's chain."""
    wanted, before = row(address), heads(site)
    answer = asked(site, objects, name, address)
    if name in wanted.may:
        assert answer.status_code not in (401, NOT_ALLOWED, HIDDEN, 500), answer.text
        return
    shown(answer, HIDDEN if name in wanted.hidden else NOT_ALLOWED)
    assert heads(site) == before


@pytest.mark.parametrize("address", ADDRESSES)
def test_strangers(site: Site, objects: Objects, address: str) -> None:
    """Whoever reads is led to the sign-in and back; whoever writes is told to sign in."""
    path, before = objects.path(address), site.world.state()
    with site.stranger() as nobody:
        if address.startswith("GET "):
            assert led_to(nobody.get(path)).startswith("/sign-in?return_to=%2F")
        else:
            page = shown(nobody.post(path, **objects.form(address)), 401)
            assert "/sign-in" in page.addresses
    assert site.world.state() == before


@pytest.mark.parametrize("address", WRITES)
def test_forms_of_other_sites(site: Site, objects: Objects, address: str) -> None:
    """Not even who may do it does it without the token that only our pages carry."""
    before = heads(site)
    for name in sorted(row(address).may):
        visitor = site.visitor(name)
        answer = visitor.without_token(objects.path(address), **objects.form(address))
        assert "csrf_failed" in shown(answer, 403).text
    assert heads(site) == before


@pytest.mark.parametrize("address", WRITES)
def test_nothing_is_written_by_reading(site: Site, objects: Objects, address: str) -> None:
    """A link, which other sites can make anybody follow, does what no form of ours does."""
    path = objects.path(address)
    is_page_too = f"GET {address.split(' ')[1]}" in TABLE
    before = heads(site)
    answer = site.visitor("ruth").get(path)
    assert answer.status_code == (200 if is_page_too else 405)
    assert heads(site) == before
