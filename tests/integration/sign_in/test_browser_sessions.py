"""What a browser's session is good for, until when, and that nothing but our own pages writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

from broker.domain.identity.permissions import Role
from broker.domain.identity.role_mapping import Entitlement, RoleMapping
from broker.services.identity.authentication import CredentialKind
from broker.services.identity.people import People
from tests.integration.sign_in.world import SESSION, SITE, World, problem

ME, TOKENS, SIGN_OUT = f"{SITE}/v1/me", f"{SITE}/v1/tokens", f"{SITE}/sign-out"
IDLE, ABSOLUTE = timedelta(seconds=1800), timedelta(seconds=36000)
SECOND = timedelta(seconds=1)


def csrf(http: httpx.Client) -> dict[str, str]:
    """The header that a page sends with its writes."""
    return {"X-CSRF-Token": http.get(ME).raise_for_status().json()["csrf_token"]}


def with_mapping(world: World, **groups: Entitlement) -> None:
    """Let the roles file be another one from now on, as after a restart."""
    authentication = world.services.authentication
    sessions = replace(
        authentication.authenticators[CredentialKind.BROWSER_SESSION],  # type: ignore[type-var]
        people=People(RoleMapping(groups)),
    )
    kept = {**authentication.authenticators, CredentialKind.BROWSER_SESSION: sessions}
    world.services = replace(
        world.services, authentication=replace(authentication, authenticators=kept)
    )


def refused(world: World, answer: httpx.Response, reason: str) -> None:
    """A 401 with its reason, and the same in the ledger."""
    problem(answer, 401, "unauthenticated", reason)
    entry = world.last()
    assert (entry.action, entry.reason) == ("authentication.refused", reason)
    assert entry.details["credential"] == "browser_session"
    assert entry.details["source_address"] == world.address


def test_the_cookie_after_signing_out(world: World) -> None:
    """Refused at once and for a reason of its own, everywhere; both are in the ledger."""
    with world.signed_in() as browser, world.browser() as thief:
        thief.http.cookies.update(browser.http.cookies)
        out = browser.http.post(SIGN_OUT, headers=csrf(browser.http))
        assert out.status_code == 204
        assert f"{SESSION}=;" in out.headers["Set-Cookie"]
        entry = world.last()
        assert (entry.action, entry.outcome) == ("sign_in.ended", "done")
        assert entry.actor == "jane@vendor.example"
        assert SESSION not in browser.http.cookies
        refused(world, thief.http.get(ME), "signed_out")
        refused(world, thief.http.post(SIGN_OUT), "signed_out")
        problem(browser.http.get(ME), 401, "unauthenticated")


def test_a_session_ends_when_nobody_uses_it(world: World) -> None:
    """To the second, counted from the last request that prolonged it."""
    with world.signed_in() as browser:
        world.clock.ahead = IDLE - SECOND * 5
        assert browser.http.get(ME).is_success
        world.clock.ahead += IDLE - SECOND * 5
        assert browser.http.get(ME).is_success
        world.clock.ahead += IDLE
        refused(world, browser.http.get(ME), "session_expired")


def test_a_session_is_not_written_at_each_request(world: World) -> None:
    """Within a minute it stays as it is: reading a page with many parts writes nothing."""
    with world.signed_in() as browser:

        def until() -> str:
            return str(browser.http.get(ME).raise_for_status().json()["session_expires_at"])

        at_first = until()
        world.clock.ahead = timedelta(seconds=45)
        assert until() == at_first
        world.clock.ahead = timedelta(seconds=61)
        assert until() > at_first


def test_a_session_ends_however_much_it_is_used(world: World) -> None:
    """Ten hours after signing in."""
    with world.signed_in() as browser:
        while world.clock.ahead < ABSOLUTE - timedelta(minutes=20):
            world.clock.ahead += timedelta(minutes=20)
            until = datetime.fromisoformat(
                browser.http.get(ME).raise_for_status().json()["session_expires_at"]
            )
        assert until - world.clock() <= timedelta(minutes=20)
        world.clock.ahead = ABSOLUTE
        refused(world, browser.http.get(ME), "session_expired")


def test_the_server_forgets_by_itself(world: World) -> None:
    """The store's own expiry is a second lock behind the record's: an hour after the end."""
    with world.signed_in() as browser:
        (first,) = world.milliseconds_left(browser.http.cookies[SESSION])
        expected = (IDLE + timedelta(hours=1)) / timedelta(milliseconds=1)
        assert expected - 60_000 < first <= expected
        browser.http.post(SIGN_OUT, headers=csrf(browser.http))
    (left,) = world.milliseconds_left()
    assert left <= (ABSOLUTE + timedelta(hours=1)) / timedelta(milliseconds=1)


@pytest.mark.parametrize("value", ["0" * 64, "0" * 63, "A" * 64, "", "eyJhbGciOiJub25lIn0.e30."])
def test_a_cookie_that_is_none_of_ours(world: World, value: str) -> None:
    """Nobody is signed in by it, and it is counted as a guess."""
    with world.browser() as browser:
        answer = browser.http.get(ME, headers={"Cookie": f"{SESSION}={value}"})
        refused(world, answer, "not_signed_in")


def test_the_plain_name_counts_for_nothing(world: World) -> None:
    """Under https only the cookie with the prefix, which no neighbouring host can set."""
    with world.signed_in() as browser:
        secret = browser.http.cookies[SESSION]
        browser.http.cookies.clear()
        answer = browser.http.get(ME, headers={"Cookie": f"broker-session={secret}"})
        problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "c" * 43},
        {"Sec-Fetch-Site": "cross-site", "X-CSRF-Token": "right"},
        {"Sec-Fetch-Site": "same-site", "X-CSRF-Token": "right"},
        {"Sec-Fetch-Site": "none", "X-CSRF-Token": "right"},
        {"Origin": "https://evil.example", "X-CSRF-Token": "right"},
        {"Origin": "null", "X-CSRF-Token": "right"},
        {"Origin": "http://broker.example", "X-CSRF-Token": "right"},
        {"Origin": f"{SITE}.evil.example", "X-CSRF-Token": "right"},
    ],
)
@pytest.mark.parametrize("address", [TOKENS, SIGN_OUT])
def test_a_write_from_elsewhere(world: World, address: str, headers: dict[str, str]) -> None:
    """Without the token, or from a page that is not ours as the browser itself says: refused,
    in the ledger by name, and without effect."""
    with world.signed_in() as browser:
        if headers.get("X-CSRF-Token") == "right":
            headers = {**headers, **csrf(browser.http)}
        problem(browser.http.post(address, headers=headers), 403, "csrf_failed")
        entry = world.last()
        assert (entry.action, entry.reason) == ("access.refused", "csrf_failed")
        assert entry.actor == "jane@vendor.example"
        assert browser.http.get(ME).is_success


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}],
)
def test_a_write_of_our_own_page(world: World, headers: dict[str, str]) -> None:
    """Goes on to the next question, which is what the role allows."""
    with world.signed_in() as browser:
        answer = browser.http.delete(
            f"{TOKENS}/{'0' * 12}", headers={**headers, **csrf(browser.http)}
        )
        problem(answer, 403, "forbidden")


def test_the_csrf_token_of_another_session(world: World) -> None:
    """Is worth nothing, not even that of the same person."""
    with world.signed_in() as one, world.signed_in() as other:
        problem(one.http.post(SIGN_OUT, headers=csrf(other.http)), 403, "csrf_failed")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_needs_no_csrf_token(world: World, method: str) -> None:
    """It changes nothing."""
    with world.signed_in() as browser:
        answer = browser.http.request(method, ME, headers={"Sec-Fetch-Site": "none"})
        assert answer.status_code in (200, 405)


def test_a_header_counts_before_the_cookie(world: World) -> None:
    """Whoever sends a bearer means that, and is never quietly taken for somebody else."""
    token = world.provider.forged(world.claims(email="other@vendor.example"))
    with world.signed_in() as browser:
        headers = {"Authorization": f"Bearer {token}"}
        assert browser.http.get(ME, headers=headers).json()["subject"] == "other@vendor.example"
        problem(
            browser.http.get(ME, headers={"Authorization": "Bearer nonsense"}),
            401,
            "unauthenticated",
            "identity_token_malformed",
        )
        problem(browser.http.get(ME, headers={"Authorization": ""}), 401, "unauthenticated")
        # A bearer is no browser: it needs no CSRF token, and there is nothing to sign out of.
        problem(browser.http.post(SIGN_OUT, headers=headers), 400, "invalid_request")


def test_roles_are_those_of_now(world: World) -> None:
    """A changed roles file holds for sessions that are open already; groups stay as they were."""
    with world.signed_in() as browser:
        cookies = browser.http.cookies
        with_mapping(world, everybody=Entitlement(roles=frozenset({Role.AUDITOR})))
        with world.browser() as again:
            again.http.cookies.update(cookies)
            assert again.http.get(ME).json()["roles"] == ["auditor"]
        with_mapping(world, others=Entitlement(roles=frozenset({Role.ADMIN})))
        with world.browser() as again:
            again.http.cookies.update(cookies)
            problem(again.http.get(ME), 403, "forbidden", "no_role")
    entry = world.last()
    assert (entry.action, entry.reason) == ("access.refused", "no_role")


def test_sessions_are_each_their_own(world: World) -> None:
    """Signing out in one browser leaves the other signed in."""
    with world.signed_in() as one, world.signed_in() as other:
        assert one.http.post(SIGN_OUT, headers=csrf(one.http)).status_code == 204
        assert other.http.get(ME).is_success
