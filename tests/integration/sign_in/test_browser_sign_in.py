"""Signing in with a browser, through a real provider, and every way in which it must not work."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import pytest

from broker.domain.identity.browser_sessions import ATTEMPT_LASTS
from tests.e2e.organisation import Browser
from tests.integration.sign_in.world import (
    ATTEMPT,
    CALLBACK,
    SESSION,
    SITE,
    World,
    problem,
)
from tests.json_web_signatures import holds_jws


def begun(browser: Browser, return_to: str = "/v1/me") -> str:
    """The address at the provider that a sign-in begins with."""
    answer = browser.http.get(f"{SITE}/sign-in", params={"return_to": return_to})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def come_back(browser: Browser, url: str) -> str:
    """The callback to which the provider sends the browser, not followed."""
    return str(browser.visit(url, until=CALLBACK).headers["Location"])


def with_query(url: str, **changed: str | None) -> str:
    """The address with these parameters in its query; None takes one away."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **changed}
    kept = {name: value for name, value in query.items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(kept)))


def refused(world: World, answer: httpx.Response, reason: str) -> None:
    """A 401 with its reason, in the ledger, and without a session."""
    problem(answer, 401, "unauthenticated", reason)
    assert SESSION not in answer.headers.get("Set-Cookie", "")
    entry = world.last()
    assert (entry.action, entry.outcome) == ("authentication.refused", "refused")
    assert entry.reason == reason
    assert entry.details["credential"] == "sign_in"
    assert entry.ids["request"] == answer.json()["request_id"]


def test_somebody_signs_in_and_is_known(world: World) -> None:
    """Who they are, by what, until when; and the ledger knows that they came."""
    before = len(world.ledger())
    with world.signed_in() as browser:
        me = browser.http.get(f"{SITE}/v1/me").json()
    assert me["subject"] == "jane@vendor.example"
    assert (me["roles"], me["account_ids"]) == (["engineer"], [])
    assert me["signed_in_by"] == "browser"
    assert len(me["csrf_token"]) == 43
    assert me["session_expires_at"].endswith("Z")
    (entry,) = world.ledger()[before:]
    assert (entry.action, entry.outcome) == ("sign_in.done", "done")
    assert entry.actor == "jane@vendor.example"
    assert entry.details["roles"] == ["engineer"]


def test_a_customer_is_bound_to_their_accounts(world: World) -> None:
    """As the roles file says."""
    with world.signed_in("carl") as browser:
        me = browser.http.get(f"{SITE}/v1/me").json()
    assert (me["roles"], me["account_ids"]) == (["customer"], ["111122223333"])


def test_what_the_browser_is_given_to_keep(world: World) -> None:
    """Two cookies with every attribute that RFC 6265bis has for them, and nothing in them."""
    with world.browser() as browser:
        begin = browser.http.get(f"{SITE}/sign-in")
        attempt = begin.headers["Set-Cookie"]
        answer = browser.http.get(come_back(browser, begin.headers["Location"]))
    assert answer.status_code == 303
    dropped, session = answer.headers.get_list("Set-Cookie")
    for text, name in ((attempt, ATTEMPT), (session, SESSION)):
        (morsel,) = SimpleCookie(text).values()
        assert (morsel.key, len(morsel.value)) == (name, 64)
        assert morsel["secure"] is True
        assert morsel["httponly"] is True
        assert (morsel["samesite"], morsel["path"], morsel["domain"]) == ("Lax", "/", "")
    assert f"Max-Age={int(ATTEMPT_LASTS.total_seconds())}" in attempt
    assert "Max-Age" not in session
    assert "Expires" not in session
    assert dropped.startswith(f"{ATTEMPT}=;")
    assert "Max-Age=0" in dropped


def test_nothing_secret_is_kept(world: World) -> None:
    """Neither cookie, nor state, nonce, verifier, CSRF token or any token is in the store."""
    with world.browser() as browser:
        url = begun(browser)
        secrets = [browser.http.cookies[ATTEMPT], *_values(url, "state", "nonce")]
        half_way = world.everything_stored()
        assert all(secret not in half_way for secret in secrets)
        callback = come_back(browser, url)
        browser.http.get(callback)
        me = browser.http.get(f"{SITE}/v1/me").json()
        secrets += [browser.http.cookies[SESSION], me["csrf_token"], *_values(callback, "code")]
    stored = world.everything_stored()
    assert all(secret not in stored for secret in secrets)
    assert not holds_jws(stored)
    assert "jane@vendor.example" in stored


def _values(url: str, *names: str) -> list[str]:
    query = parse_qs(urlsplit(url).query)
    return [query[name][0] for name in names]


@pytest.mark.parametrize("path", ["/", "/v1/me", "/v1/accounts?limit=1&cursor=%20"])
def test_people_come_back_to_where_they_were(world: World, path: str) -> None:
    """Under the address that the operator set, whatever Host the request names."""
    with world.browser() as browser:
        callback = come_back(browser, begun(browser, path))
        answer = browser.http.get(callback, headers={"Host": "evil.example"})
    assert answer.headers["Location"] == SITE + path


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\r\nSet-Cookie:a=b",
        "https://evil.example/",
        "javascript:alert(1)",
        "",
    ],
)
def test_nobody_is_sent_elsewhere(world: World, target: str) -> None:
    """Neither at once nor after signing in: nothing is begun."""
    with world.browser() as browser:
        answer = browser.http.get(f"{SITE}/sign-in", params={"return_to": target})
    told = problem(answer, 400, "invalid_request")
    assert told["errors"][0]["field"] == "return_to"
    assert "Set-Cookie" not in answer.headers
    assert "evil" not in answer.text


def test_a_callback_works_once(world: World) -> None:
    """Neither the same browser nor a copy of its cookies signs in with it again."""
    with world.browser() as browser, world.browser() as thief:
        callback = come_back(browser, begun(browser))
        thief.http.cookies.update(browser.http.cookies)
        assert browser.http.get(callback).status_code == 303
        refused(world, thief.http.get(callback), "sign_in_over")
        refused(world, browser.http.get(callback), "sign_in_not_begun")


def test_nobody_is_signed_in_by_a_link(world: World) -> None:
    """Login CSRF: an attacker's callback works in no other browser, and spoils no attempt there."""
    with world.browser("rob") as attacker, world.browser() as victim:
        link = come_back(attacker, begun(attacker))
        refused(world, victim.http.get(link), "sign_in_not_begun")
        own = begun(victim)
        refused(world, victim.http.get(link), "sign_in_of_another_browser")
        assert victim.http.get(come_back(victim, own)).status_code == 303


def test_a_stolen_code_is_of_no_use(world: World) -> None:
    """In another browser's callback the verifier does not fit (RFC 7636)."""
    with world.browser() as victim, world.browser("rob") as thief:
        stolen = parse_qs(urlsplit(come_back(victim, begun(victim))).query)["code"][0]
        callback = with_query(come_back(thief, begun(thief)), code=stolen)
        refused(world, thief.http.get(callback), "code_refused")


def test_a_challenge_that_was_changed_on_the_way(world: World) -> None:
    """The provider refuses the broker's verifier, so the challenge was really asked for."""
    with world.browser() as browser:
        url = with_query(begun(browser), code_challenge="A" * 43)
        refused(world, browser.http.get(come_back(browser, url)), "code_refused")


def test_a_nonce_of_another_attempt(world: World) -> None:
    """A token that was made for something else signs nobody in."""
    with world.browser() as browser:
        url = with_query(begun(browser), nonce="n" * 43)
        answer = browser.http.get(come_back(browser, url))
        refused(world, answer, "identity_token_wrong_nonce")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"state": None}, "sign_in_of_another_browser"),
        ({"state": "s" * 43}, "sign_in_of_another_browser"),
        ({"iss": None}, "sign_in_of_another_provider"),
        ({"iss": "https://evil.example"}, "sign_in_of_another_provider"),
        ({"code": None}, "provider_refused"),
        ({"code": "made-up"}, "code_refused"),
        ({"error": "access_denied", "code": None}, "provider_refused"),
        ({"error": "access_denied"}, "provider_refused"),
    ],
)
def test_a_callback_with_one_thing_changed(world: World, changed, reason) -> None:
    """Each is refused for what is wrong with it."""
    with world.browser() as browser:
        callback = with_query(come_back(browser, begun(browser)), **changed)
        refused(world, browser.http.get(callback), reason)


def test_a_callback_that_says_something_twice(world: World) -> None:
    """Nobody knows what it says (RFC 6749, section 3.1)."""
    with world.browser() as browser:
        callback = come_back(browser, begun(browser))
        for name in ("code", "state", "iss"):
            problem(browser.http.get(f"{callback}&{name}=other"), 400, "invalid_request")
        assert browser.http.get(callback).status_code == 303


def test_somebody_who_took_too_long(world: World) -> None:
    """Ten minutes are for typing a password, not for coming back tomorrow."""
    with world.browser() as browser:
        callback = come_back(browser, begun(browser))
        world.clock.ahead = ATTEMPT_LASTS
        refused(world, browser.http.get(callback), "sign_in_over")


def test_a_session_that_was_planted(world: World) -> None:
    """Session fixation: whoever signs in gets a new session, and a planted one is worth nothing."""
    with world.browser() as browser:
        browser.http.cookies.set(SESSION, "0" * 64, domain="broker.example", path="/")
        browser.http.get(come_back(browser, begun(browser)))
        assert browser.http.cookies[SESSION] != "0" * 64
        browser.http.cookies.set(SESSION, "0" * 64, domain="broker.example", path="/")
        problem(browser.http.get(f"{SITE}/v1/me"), 401, "unauthenticated", "not_signed_in")


def test_signing_in_again_ends_the_session_before(world: World) -> None:
    """A new id at each sign-in; whoever has a copy of the old one has nothing."""
    with world.signed_in() as browser, world.browser() as thief:
        thief.http.cookies.update(browser.http.cookies)
        first = browser.http.cookies[SESSION]
        assert thief.http.get(f"{SITE}/v1/me").is_success
        browser.visit(f"{SITE}/sign-in?return_to=/v1/me")
        assert browser.http.cookies[SESSION] != first
        assert browser.http.get(f"{SITE}/v1/me").is_success
        problem(thief.http.get(f"{SITE}/v1/me"), 401, "unauthenticated", "signed_out")


@pytest.mark.parametrize(("login", "reason"), [("rob", "no_role"), ("mia", "roles_conflict")])
def test_somebody_without_a_role(world: World, login: str, reason: str) -> None:
    """The provider knows them, and they may do nothing here: 403, in the ledger by name."""
    with world.browser(login) as browser:
        answer = browser.http.get(come_back(browser, begun(browser)))
    problem(answer, 403, "forbidden", reason)
    assert SESSION not in answer.headers.get("Set-Cookie", "")
    entry = world.last()
    assert (entry.action, entry.reason) == ("access.refused", reason)
    assert entry.actor == f"{login}@vendor.example"


def test_an_address_that_is_not_verified(world: World) -> None:
    """Anybody can claim one."""
    with world.browser("ned") as browser:
        answer = browser.http.get(come_back(browser, begun(browser)))
    refused(world, answer, "identity_token_unverified_email")


def test_people_see_a_page_and_none_of_the_providers_words(world: World) -> None:
    """HTML for a browser, escaped, with no script allowed, and what the provider said left out."""
    with world.browser() as browser:
        browser.http.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
        callback = with_query(
            come_back(browser, begun(browser)),
            code=None,
            error="<script>alert(1)</script>",
            error_description="Call 555-1234 & tell your password",
        )
        answer = browser.http.get(callback)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"] in answer.text
    assert "did not sign you in" in answer.text
    for word in ("<script>", "alert", "555", "password"):
        assert word not in answer.text


def test_one_address_does_not_begin_without_end(world: World) -> None:
    """What strangers can write into the store is bounded."""
    world.limit_attempts("3/300")
    with world.browser() as browser:
        for _ in range(3):
            begun(browser)
        before = len(world.ledger())
        for _ in range(3):
            answer = browser.http.get(f"{SITE}/sign-in")
            problem(answer, 429, "rate_limited")
            assert int(answer.headers["Retry-After"]) > 240
    (entry,) = world.ledger()[before:]
    assert (entry.action, entry.reason) == ("authentication.refused", "rate_limited")
    assert entry.ids["limit"] == "sign_ins_begun_from_address"


def test_refused_callbacks_count_like_wrong_credentials(world: World) -> None:
    """Somebody who tries states from one address is stopped, and the ledger does not fill up."""
    world.limit_failures("3/300")
    with world.browser() as browser:
        for _ in range(3):
            refused(world, browser.http.get(f"{CALLBACK}?state=x"), "sign_in_not_begun")
        before = len(world.ledger())
        for _ in range(5):
            problem(browser.http.get(f"{CALLBACK}?state=x"), 429, "rate_limited")
        assert len(world.ledger()) == before + 1


def test_guesses_of_others_at_an_address_do_not_keep_people_from_signing_in(world: World) -> None:
    """The provider has just vouched for them, so their new session is no guess."""
    world.limit_failures("3/300")
    with world.browser() as guesser:
        for _ in range(4):
            answer = guesser.http.get(f"{CALLBACK}?state=x")
        problem(answer, 429, "rate_limited")
    with world.signed_in() as browser:
        assert browser.http.get(f"{SITE}/v1/me").is_success


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/callback?state=x"])
@pytest.mark.parametrize(("mode", "dest"), [("no-cors", "image"), ("navigate", "iframe")])
def test_a_page_elsewhere_uses_up_nobodys_sign_ins(
    world: World, path: str, mode: str, dest: str
) -> None:
    """It can have browsers load our addresses as pictures, from wherever they are: an office."""
    world.limit_attempts("3/300")
    world.limit_failures("3/300")
    with world.browser() as victim:
        before = len(world.ledger())
        for _ in range(5):
            answer = victim.http.get(
                f"{SITE}{path}",
                headers={
                    "Sec-Fetch-Site": "cross-site",
                    "Sec-Fetch-Mode": mode,
                    "Sec-Fetch-Dest": dest,
                },
            )
            problem(answer, 403, "not_a_navigation")
            assert not answer.cookies
        assert len(world.ledger()) == before
    with world.signed_in() as browser:
        assert browser.http.get(f"{SITE}/v1/me").is_success


def test_a_query_that_is_not_utf8(world: World) -> None:
    """Is no reason to fall over."""
    with world.browser() as browser:
        for path in (f"{CALLBACK}?state=%ff%fe", f"{SITE}/sign-in?return_to=/%ff"):
            assert browser.http.get(path).status_code in (303, 400, 401)


def test_time_goes_by_the_injected_clock(world: World) -> None:
    """The tests above that turn the clock turn that of everything here."""
    with world.signed_in() as browser:
        world.clock.ahead = timedelta(days=1)
        problem(browser.http.get(f"{SITE}/v1/me"), 401, "unauthenticated", "session_expired")
