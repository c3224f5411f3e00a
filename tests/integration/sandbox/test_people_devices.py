"""The device flow of the sandbox's OpenID provider (RFC 8628)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.people_site import (
    CLI,
    DEVICE_GRANT,
    EVERYTHING,
    OTHER,
    WEB,
    WEB_SECRET,
    Site,
    hidden,
)


@pytest.fixture
def site(sandbox: Sandbox) -> Iterator[Site]:
    """A provider of the test's own; the clock is as it was when the test ends."""
    yield Site.on(sandbox)
    sandbox.set_clock(0)


def _begun(site: Site, scope: str = EVERYTHING) -> dict[str, Any]:
    answer = site.post("device/authorization", client_id=CLI, scope=scope)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _asked(site: Site, begun: dict[str, Any], *, client_id: str = CLI) -> httpx.Response:
    return site.post(
        "token", grant_type=DEVICE_GRANT, client_id=client_id, device_code=begun["device_code"]
    )


def test_a_terminal_signs_somebody_in(site: Site) -> None:
    """Who opens the page with the code in its address compares the code, and clicks."""
    begun = _begun(site)
    assert _asked(site, begun).json()["error"] == "authorization_pending"
    page = httpx.get(begun["verification_uri_complete"], trust_env=False)
    assert begun["user_code"] in page.text
    done = site.choose(begun["verification_uri_complete"], person="carl")
    assert "Carl &lt;i&gt;" in done.text
    tokens = _asked(site, begun).json()
    claims = site.claims(tokens)
    assert (claims["sub"], claims["email"], claims["groups"]) == (
        "carl",
        "carl@customer.example",
        [],
    )
    refreshed = site.client().refresh_token(f"{site.issuer}/token", tokens["refresh_token"])
    assert site.claims(refreshed)["sub"] == "carl"


def test_tokens_are_given_once(site: Site) -> None:
    """The device code is used up."""
    begun = _begun(site)
    site.choose(begun["verification_uri_complete"])
    assert _asked(site, begun).is_success
    again = _asked(site, begun)
    assert (again.status_code, "access_token" in again.json()) == (400, False)


def test_who_denies_gives_nothing(site: Site) -> None:
    """And cannot take it back."""
    begun = _begun(site)
    url = begun["verification_uri_complete"]
    assert "Denied" in site.choose(url, deny="yes").text
    assert _asked(site, begun).json()["error"] == "access_denied"
    assert httpx.get(url, trust_env=False).status_code == 404
    assert _asked(site, begun).json()["error"] == "access_denied"


def test_a_code_can_be_typed(site: Site) -> None:
    """In lower case and without its hyphen; the empty page asks for it."""
    begun = _begun(site)
    url = begun["verification_uri"]
    empty = httpx.get(url, trust_env=False)
    assert (empty.status_code, 'name="user_code"' in empty.text) == (200, True)
    typed = begun["user_code"].lower().replace("-", " ")
    page = httpx.get(url, params={"user_code": typed}, trust_env=False)
    assert begun["user_code"] in page.text


@pytest.mark.parametrize("code", ["BBBB-BBBB", "B", "<script>", "BBBB-BBBB-BBBB"])
def test_a_code_of_no_device_leads_nowhere(site: Site, code: str) -> None:
    """The page says so and asks again."""
    _begun(site)
    page = httpx.get(f"{site.issuer}/device", params={"user_code": code}, trust_env=False)
    assert page.status_code == 404
    assert "No terminal is waiting" in page.text
    assert code not in page.text
    assert 'name="person"' not in page.text


def test_a_form_is_for_the_device_that_it_showed(site: Site) -> None:
    """Not for one whose code somebody slips in."""
    shown, slipped = _begun(site), _begun(site)
    page = httpx.get(shown["verification_uri_complete"], trust_env=False)
    fields = {**hidden(page), "code": slipped["user_code"], "person": "jane"}
    answer = httpx.post(f"{site.issuer}/device", data=fields, trust_env=False)
    assert answer.status_code == 400
    assert _asked(site, slipped).json()["error"] == "authorization_pending"


def test_a_decision_counts_once(site: Site) -> None:
    """Of two who have the page open, the first."""
    begun = _begun(site)
    url = begun["verification_uri_complete"]
    pages = [httpx.get(url, trust_env=False) for _ in range(2)]
    answers = [
        httpx.post(url, data={**hidden(page), "person": person}, trust_env=False)
        for page, person in zip(pages, ("jane", "carl"), strict=True)
    ]
    assert [answer.status_code for answer in answers] == [200, 404]
    assert site.claims(_asked(site, begun).json())["sub"] == "jane"


def test_a_hasty_device_must_slow_down(site: Site, sandbox: Sandbox) -> None:
    """By five seconds, from then on."""
    begun = _begun(site)
    assert begun["interval"] == 1
    answers = []
    for seconds in (0, 0, 7, 14, 17):
        sandbox.set_clock(seconds)
        answers.append(_asked(site, begun).json()["error"])
    assert answers == [
        "authorization_pending",
        "slow_down",
        "authorization_pending",
        "authorization_pending",
        "slow_down",
    ]


def test_a_device_code_lasts_ten_minutes(site: Site, sandbox: Sandbox) -> None:
    """Then nobody can enter it, and the device is told."""
    begun = _begun(site)
    sandbox.set_clock(begun["expires_in"] + 1)
    page = httpx.get(begun["verification_uri_complete"], trust_env=False)
    assert page.status_code == 404
    assert _asked(site, begun).json()["error"] == "expired_token"


def test_a_device_code_of_another_client_is_refused(site: Site) -> None:
    """And kept for the one that it was made for."""
    begun = _begun(site)
    site.choose(begun["verification_uri_complete"])
    assert _asked(site, begun, client_id=OTHER).json()["error"] == "unauthorized_client"
    assert _asked(site, begun).is_success


def test_a_client_with_a_browser_has_no_device(site: Site) -> None:
    """The pages' client may not ask so, nor may one that nobody knows."""
    form = {"client_id": WEB, "client_secret": WEB_SECRET, "scope": "openid"}
    assert site.post("device/authorization", **form).json()["error"] == "unauthorized_client"
    unknown = site.post("device/authorization", client_id="nobody", scope="openid")
    assert unknown.json()["error"] == "invalid_client"


@pytest.mark.parametrize("scope", ["email", "openid everything"])
def test_a_scope_that_cannot_be_granted_is_refused(site: Site, scope: str) -> None:
    """At once, before anybody is shown a code."""
    answer = site.post("device/authorization", client_id=CLI, scope=scope)
    assert answer.json()["error"] == "invalid_scope"
