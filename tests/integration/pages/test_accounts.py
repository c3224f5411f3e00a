"""The customer's page: how an account stands, what is installed in it, and the switches."""

from __future__ import annotations

import re

import pytest

from broker.web.pages import accounts
from tests.integration.api.world import ACCOUNT, ASKING, NOWHERE, OTHER, UNREADY
from tests.integration.pages.document import Document
from tests.integration.pages.world import Site, consent, faults, shown, subject

CHANGES = {
    "consent": {"consent": "off"},
    "checkpoint-bucket": {"bucket": "of-somebody-else"},
    "revocation": {"sure": "yes"},
    "reconciliation": {},
    "key-rotation": {},
    "emergency-rotation": {"sure": "yes"},
}
"""What forms on an account's page do, with what they send."""


def test_each_sees_their_own_accounts(site: Site) -> None:
    """A customer's list has their accounts, an engineer's has all."""
    carl = site.visitor("carl").page("/accounts")
    assert {f"/accounts/{each}" for each in (ACCOUNT, ASKING, UNREADY)} <= carl.addresses
    assert OTHER not in carl.text
    assert "Orchard Foods" in site.visitor("ann").page("/accounts").text


def test_accounts_of_one_state(site: Site) -> None:
    """The list can be narrowed to a state, and says so where none is in it."""
    visitor = site.visitor("ruth")
    waiting = visitor.page("/accounts", state="registered")
    assert "Tidewater Ferries" in waiting.text
    assert "Harbour Bank" not in waiting.text
    assert "No account is in this state." in visitor.page("/accounts", state="removed").text
    assert visitor.get("/accounts", state="asleep").status_code == 400


@pytest.mark.parametrize("name", ["ruth", "carl"])
@pytest.mark.parametrize("state", ["", "active"])
def test_every_part_of_the_list_is_reached(
    site: Site, name: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each account once, under the same filter, whether the viewer sees all or a few."""
    visitor = site.visitor(name)
    whole = accounts_on(visitor.page("/accounts", state=state))
    monkeypatch.setattr(accounts, "_PART", 1)
    found, path = [], f"/accounts?state={state}"
    while path:
        page = visitor.page(path)
        found += accounts_on(page)
        path = next((each.address for each in page.links if each.label == "Show more"), "")
        assert not path or state in path
    assert found == whole
    assert len(found) > 1


def accounts_on(page: Document) -> list[str]:
    """The accounts that a list shows, in its order."""
    return [each.address for each in page.links if re.fullmatch(r"/accounts/\d{12}", each.address)]


def test_what_lacks_its_stack_can_be_configured(site: Site) -> None:
    """The launch link is there for those who may have it, and for nobody else."""
    for name in ("carl", "ruth"):
        for path in ("/accounts", f"/accounts/{UNREADY}"):
            page = site.visitor(name).page(path)
            (link,) = [each for each in page.links if each.label.startswith("Configure")]
            assert link.address.startswith("https://us-east-1.console.aws.amazon.com/")
            assert "noreferrer" in link.attributes["rel"]
    for path in ("/accounts", f"/accounts/{UNREADY}"):
        answer = site.visitor("ann").get(path)
        assert "Configure" not in answer.text
        assert "console.aws.amazon.com" not in answer.text


def test_an_account_in_plain_words(site: Site) -> None:
    """State, what is installed and why, what it never does, consent, keys."""
    page = site.visitor("carl").page(f"/accounts/{ACCOUNT}")
    for words in (
        "Everything is in place",
        "Acme-Support-ReadOnly",
        "Acme-Support-Cases",
        "Acme_Management_Role_DO-NOT-DELETE",
        "permissions boundary ReadOnlyAccess caps it",
        "It never sees your data",
        "ViewOnlyAccess",
        "An open ticket is enough",
        "Ask me each time",
        "every live session ends now",
        "The next key is to sign from",
    ):
        assert words in page.text
    assert site.services.reading.accounts.get(ACCOUNT).record.issuer in page.text
    assert {f"/accounts/{ACCOUNT}/ledger", f"/accounts/{ACCOUNT}/proof"} <= page.addresses
    assert f"/accounts/{ACCOUNT}/plan" not in page.addresses


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("carl", {"consent", "checkpoint-bucket", "revocation"}),
        ("ruth", {"revocation", "reconciliation", "key-rotation", "emergency-rotation"}),
        ("cora", {"revocation", "reconciliation", "key-rotation", "emergency-rotation"}),
        ("ann", set()),
        ("paul", set()),
        ("otto", set()),
    ],
)
def test_buttons_are_those_that_work(site: Site, name: str, actions: set[str]) -> None:
    """Nobody is shown a form whose answer would be a refusal."""
    page = site.visitor(name).page(f"/accounts/{ACCOUNT}")
    expected = {f"/accounts/{ACCOUNT}/{action}" for action in actions}
    assert {each for each in page.actions if each.startswith("/accounts/")} == expected


def test_looking_writes_nothing(site: Site) -> None:
    """A page that shows less to some asks nobody whether it may show more."""
    for name in ("ann", "paul", "carl", "otto", "ruth", "cora", "bree"):
        visitor = site.visitor(name)
        before = site.world.state()
        visitor.page("/accounts")
        visitor.page(f"/accounts/{ACCOUNT}")
        visitor.page("/requests")
        assert site.world.state() == before


@pytest.mark.parametrize("action", CHANGES)
def test_only_pages_of_ours_change_anything(site: Site, action: str) -> None:
    """Without the token that our forms carry, even the customer's own browser changes nothing."""
    for name in ("carl", "ruth"):
        before = site.services.reading.accounts.get(ACCOUNT)
        answer = site.visitor(name).without_token(
            f"/accounts/{ACCOUNT}/{action}", **CHANGES[action]
        )
        assert "csrf_failed" in shown(answer, 403).text
        assert site.services.reading.accounts.get(ACCOUNT) == before


@pytest.mark.parametrize("action", CHANGES)
@pytest.mark.parametrize("name", ["carl", "eve"])
def test_another_customers_account(site: Site, name: str, action: str) -> None:
    """It is refused, the refusal is in the broker's chain, and nothing has changed."""
    account_id = OTHER if name == "carl" else ACCOUNT
    before, entries = site.services.reading.accounts.get(account_id), len(site.ledger(account_id))
    shown(site.visitor(name).get(f"/accounts/{account_id}"), 403)
    shown(site.visitor(name).post(f"/accounts/{account_id}/{action}", **CHANGES[action]), 403)
    assert site.services.reading.accounts.get(account_id) == before
    assert len(site.ledger(account_id)) == entries
    refused = site.ledger()[-1]
    assert (refused.action, refused.actor) == ("access.refused", subject(name))


def test_an_account_that_nobody_registered(site: Site) -> None:
    """Not found, for who may see all accounts; what is no account id is no address."""
    shown(site.visitor("ruth").get(f"/accounts/{NOWHERE}"), 404)
    shown(site.visitor("ruth").get("/accounts/12"), 404)


def test_consent_is_switched(site: Site) -> None:
    """Each choice is written down; what is no choice is named."""
    nora, path = site.visitor("nora"), f"/accounts/{OTHER}"
    assert nora.page(path).form(f"{path}/consent").fields["consent"] == "standing"
    assert nora.done(f"{path}/consent", consent="per_grant") == f"{path}?done=consent-changed"
    page = nora.page(f"{path}?done=consent-changed")
    assert "Your consent is changed" in page.text
    assert page.form(f"{path}/consent").fields["consent"] == "per_grant"
    assert faults(nora.post(f"{path}/consent", consent="perhaps")) == {"consent"}
    assert faults(nora.post(f"{path}/consent")) == {"consent"}
    nora.done(f"{path}/consent", consent="standing")


def test_off_ends_live_sessions(site: Site) -> None:
    """The customer sees who is in there; the last word leaves nobody."""
    session_id = site.opened("ann", "OFF-1", OTHER)
    nora, path = site.visitor("nora"), f"/accounts/{OTHER}"
    page = nora.page(path)
    assert {session_id, subject("ann"), "OFF-1"} <= set(page.text.split())
    assert page.form(f"/sessions/{session_id}/revocation").buttons == [f"Revoke {session_id}"]
    nora.done(f"{path}/consent", consent="off")
    page = nora.page(path)
    assert "Nobody has a live session" in page.text
    assert session_id not in page.text
    nora.done(f"{path}/consent", consent="standing")


def test_off_stands_before_everything_else(site: Site) -> None:
    """Nobody reads that an account is active into which nobody is let, wherever it is shown."""
    nora, path = site.visitor("nora"), f"/accounts/{OTHER}"
    site.world.write_ticket("OFF-2", OTHER)
    with consent(site, "off"):
        for name in ("nora", "ruth"):
            page = site.visitor(name).page(path)
            assert '<p><span class="badge bad">access switched off</span></p>' in page.html
            assert "Support access is switched off. Nobody gets in" in page.text
            assert "Everything is in place" not in page.text
        for page in (
            site.visitor("ann").page("/tickets/OFF-2"),
            site.visitor("ruth").page("/search", q=OTHER),
            nora.page("/accounts"),
        ):
            assert "access switched off" in page.text
            assert '<span class="badge good">active</span>' not in page.html
    assert "access switched off" not in nora.page(path).text


def test_everything_ends_after_a_tick(site: Site) -> None:
    """Without the tick nothing ends, and the field is named."""
    session_id = site.opened("gus", "END-1", OTHER)
    nora, path = site.visitor("nora"), f"/accounts/{OTHER}"
    assert faults(nora.post(f"{path}/revocation")) == {"sure"}
    assert session_id in nora.page(path).text
    assert nora.done(f"{path}/revocation", sure="yes") == f"{path}?done=account-revoked"
    assert session_id not in nora.page(path).text


def test_engineers_see_their_own_sessions_only(site: Site) -> None:
    """Who else is in an account is not theirs to know."""
    session_id = site.opened("gus", "OWN-1")
    assert session_id in site.visitor("gus").page(f"/accounts/{ACCOUNT}").text
    anns = site.visitor("ann").page(f"/accounts/{ACCOUNT}")
    assert session_id not in anns.text
    assert "Who is in there now" not in site.visitor("paul").page(f"/accounts/{ACCOUNT}").text


def test_the_bucket_of_checkpoints(site: Site) -> None:
    """The customer names one, and takes it back by an empty field; a bad name is told."""
    nora, path = site.visitor("nora"), f"/accounts/{OTHER}"
    nora.done(f"{path}/checkpoint-bucket", bucket="orchard-ledger")
    assert "orchard-ledger" in nora.page(path).text
    assert faults(nora.post(f"{path}/checkpoint-bucket", bucket="No Bucket")) == {"bucket"}
    nora.done(f"{path}/checkpoint-bucket", bucket="")
    assert "No bucket is named" in nora.page(path).text


def test_operators_reconcile_and_rotate(site: Site) -> None:
    """The plan is shown without anything being done; both rotations say what they have done."""
    ruth, path = site.visitor("ruth"), f"/accounts/{OTHER}"
    assert "The account is as it should be." in ruth.page(f"{path}/plan").text
    assert ruth.done(f"{path}/reconciliation") == f"{path}?done=reconciled"
    assert ruth.done(f"{path}/key-rotation") == f"{path}?done=rotation-asked"
    assert "A change was asked for" in ruth.page(path).text
    assert faults(ruth.post(f"{path}/emergency-rotation")) == {"sure"}
    assert ruth.done(f"{path}/emergency-rotation", sure="yes") == f"{path}?done=keys-dropped"
    assert "dropped in an emergency" in ruth.page(path).text


def test_a_reconciliation_that_fails_shows_the_reason(site: Site) -> None:
    """No notice claims that all is well."""
    ruth, path = site.visitor("ruth"), f"/accounts/{UNREADY}"
    assert ruth.done(f"{path}/reconciliation") == path
    error = site.services.reading.accounts.get(UNREADY).record.last_error
    assert error is not None
    assert error in ruth.page(path).text


def test_names_are_text(site: Site) -> None:
    """What a console calls a customer is shown as it is written, and is never markup."""
    hostile = "<script>alert(1)</script> & \"Co\" 'x'"
    account_id = "333300003333"
    body = {"account_id": account_id, "customer": hostile}
    console = site.world.over_http("console")
    console.post("/v1/accounts", json=body).raise_for_status()
    for path in ("/accounts", f"/accounts/{account_id}"):
        answer = site.visitor("ruth").get(path)
        assert "<script>alert" not in answer.text
        assert hostile in shown(answer).text
    console.delete(f"/v1/accounts/{account_id}").raise_for_status()
