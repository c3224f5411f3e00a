"""The sandbox's OpenID provider against Authlib's client: code flow, refresh, revocation."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9207 import AuthorizationServerMetadata as NamesItself
from authlib.oidc.discovery import OpenIDProviderMetadata

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.people_site import (
    CLI,
    CLI_REDIRECT,
    EVERYTHING,
    OTHER,
    OTHER_WEB,
    WEB,
    WEB_REDIRECT,
    WEB_SECRET,
    Site,
    told,
)


@pytest.fixture
def site(sandbox: Sandbox) -> Iterator[Site]:
    """A provider of the test's own; the clock is as it was when the test ends."""
    yield Site.on(sandbox)
    sandbox.set_clock(0)


def test_discovery_is_well_formed(site: Site) -> None:
    """By Authlib's own rules for OpenID Connect, OAuth and RFC 9207."""
    url = f"{site.issuer}/.well-known/openid-configuration"
    document = httpx.get(url, trust_env=False).json()
    assert document["issuer"] == site.issuer
    assert document["code_challenge_methods_supported"] == ["S256"]
    OpenIDProviderMetadata(document).validate()
    AuthorizationServerMetadata(document).validate([NamesItself])


def test_a_public_client_signs_somebody_in(site: Site) -> None:
    """Over loopback at any port; the identity token says all that was asked for."""
    attempt = site.attempt()
    callback = site.callback(attempt)
    assert callback.startswith(f"{CLI_REDIRECT}?")
    assert told(callback).keys() == {"code", "state", "iss"}
    assert (told(callback)["state"], told(callback)["iss"]) == (attempt.state, site.issuer)
    tokens = site.redeem(attempt, callback)
    claims = site.claims(tokens)
    assert {
        name: claims[name] for name in claims.keys() - {"iat", "exp", "auth_time", "at_hash"}
    } == {
        "iss": site.issuer,
        "aud": CLI,
        "sub": "jane",
        "nonce": "n-0S6_WzA2Mj",
        "name": "Jane Doe",
        "preferred_username": "jane",
        "email": "jane@vendor.example",
        "email_verified": True,
        "groups": ["support", "everybody"],
    }
    assert claims["exp"] - claims["iat"] == 3600
    assert site.userinfo(tokens).json()["email"] == "jane@vendor.example"


def test_only_what_was_asked_for_is_said(site: Site) -> None:
    """No groups without their scope, and no refresh token without `offline_access`."""
    _, tokens = site.tokens(site.client(scope="openid email"))
    assert "refresh_token" not in tokens
    claims = site.claims(tokens)
    assert claims["email_verified"] is True
    assert claims.keys().isdisjoint({"groups", "name", "preferred_username"})
    assert site.userinfo(tokens).json().keys() == {"sub", "email", "email_verified"}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_confidential_client_signs_somebody_in(site: Site, method: str) -> None:
    """In either way of showing its secret."""
    client = site.client(WEB, WEB_SECRET, redirect_uri=WEB_REDIRECT, method=method)
    _, tokens = site.tokens(client)
    assert site.claims(tokens, audience=WEB)["sub"] == "jane"


@pytest.mark.parametrize("secret", ["not it", None])
def test_a_confidential_client_must_show_its_secret(site: Site, secret: str | None) -> None:
    """PKCE does not stand in for it."""
    client = site.client(WEB, secret, redirect_uri=WEB_REDIRECT)
    attempt = site.attempt(client)
    with pytest.raises(OAuthError) as refused:
        site.redeem(attempt, site.callback(attempt))
    assert refused.value.error == "invalid_client"


def test_a_wrong_verifier_is_refused(site: Site) -> None:
    """And uses the code up: whoever has it and guesses does not guess again."""
    attempt = site.attempt()
    callback = site.callback(attempt)
    for verifier in ("x" * 64, attempt.verifier):
        with pytest.raises(OAuthError) as refused:
            site.redeem(attempt, callback, code_verifier=verifier)
        assert refused.value.error == "invalid_grant"


def test_no_verifier_is_refused(site: Site) -> None:
    """Of a confidential client too."""
    client = site.client(WEB, WEB_SECRET, redirect_uri=WEB_REDIRECT)
    attempt = site.attempt(client)
    with pytest.raises(OAuthError) as refused:
        site.redeem(attempt, site.callback(attempt), code_verifier="")
    assert refused.value.error == "invalid_request"


def test_a_code_used_twice_ends_what_it_gave(site: Site) -> None:
    """Neither the access token nor the refresh token of the first use is good any more."""
    attempt = site.attempt()
    callback = site.callback(attempt)
    tokens = site.redeem(attempt, callback)
    assert site.userinfo(tokens).is_success
    with pytest.raises(OAuthError) as refused:
        site.redeem(attempt, callback)
    assert refused.value.error == "invalid_grant"
    assert site.userinfo(tokens).status_code == 401
    with pytest.raises(OAuthError) as ended:
        attempt.client.refresh_token(f"{site.issuer}/token", tokens["refresh_token"])
    assert ended.value.error == "invalid_grant"


@pytest.mark.parametrize(
    ("client_id", "secret"), [(OTHER, None), (OTHER_WEB, "another secret")], ids=["public", "web"]
)
def test_a_code_of_another_client_is_refused(
    site: Site, client_id: str, secret: str | None
) -> None:
    """Which does not use it up for the client that it was made for."""
    attempt = site.attempt()
    callback = site.callback(attempt)
    foreign = site.client(client_id, secret)
    with pytest.raises(OAuthError) as refused:
        foreign.fetch_token(
            f"{site.issuer}/token",
            authorization_response=callback,
            code_verifier=attempt.verifier,
        )
    assert refused.value.error == "invalid_grant"
    assert site.claims(site.redeem(attempt, callback))["sub"] == "jane"


def test_a_code_is_redeemed_with_its_redirect(site: Site) -> None:
    """Another good address, at another port, is not the one that it was sent to."""
    attempt = site.attempt()
    with pytest.raises(OAuthError) as refused:
        site.redeem(attempt, site.callback(attempt), redirect_uri="http://127.0.0.1:49153/callback")
    assert refused.value.error == "invalid_grant"


def test_a_code_lasts_a_minute(site: Site, sandbox: Sandbox) -> None:
    """By the sandbox's clock."""
    attempt = site.attempt()
    callback = site.callback(attempt)
    sandbox.set_clock(61)
    with pytest.raises(OAuthError) as refused:
        site.redeem(attempt, callback)
    assert refused.value.error == "invalid_grant"


@pytest.mark.parametrize(
    ("client_id", "redirect_uri"),
    [
        (CLI, "http://localhost:49152/callback"),
        (CLI, "http://127.0.0.1:49152/other"),
        (CLI, "http://127.0.0.1:49152/callback?more=1"),
        (CLI, "http://127.0.0.1:49152/callback#more"),
        (CLI, "http://127.0.0.1:49152@attacker.example/callback"),
        (CLI, "http://127.0.0.1.attacker.example/callback"),
        (CLI, "https://127.0.0.1:49152/callback"),
        (CLI, "http://attacker.example/callback"),
        (WEB, "http://127.0.0.1:4001/sign-in/callback"),
        (WEB, "http://127.0.0.1:4000/sign-in/callback/"),
        (WEB, "http://127.0.0.1:4000/sign-in/callback?more=1"),
        ("nobody", "http://127.0.0.1:49152/callback"),
    ],
)
def test_nobody_is_sent_to_another_address(site: Site, client_id: str, redirect_uri: str) -> None:
    """The person is told, and neither a redirect nor a form leads there."""
    attempt = site.attempt(site.client(client_id, redirect_uri=redirect_uri))
    page = httpx.get(attempt.url, trust_env=False)
    assert page.status_code == 400
    assert "Location" not in page.headers
    assert "<form" not in page.text
    assert httpx.post(attempt.url, data={"person": "jane"}, trust_env=False).status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "email groups"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "openid everything"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_request_that_cannot_be_granted_is_sent_back(
    site: Site, changes: dict[str, str], error: str
) -> None:
    """To the client, with state and issuer, before anybody is asked who they are."""
    asked = {
        "client_id": CLI,
        "redirect_uri": CLI_REDIRECT,
        "response_type": "code",
        "scope": EVERYTHING,
        "state": "xyz",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        **changes,
    }
    query = urlencode({name: value for name, value in asked.items() if value})
    back = httpx.get(f"{site.issuer}/authorize?{query}", trust_env=False)
    assert back.status_code == 302, back.text
    said = told(back.headers["Location"])
    assert (said["error"], said["state"], said["iss"]) == (error, "xyz", site.issuer)
    assert "code" not in said


def test_who_cancels_is_sent_back_without_a_code(site: Site) -> None:
    """So that the client knows."""
    attempt = site.attempt()
    said = told(site.callback(attempt, deny="yes"))
    assert said == {
        "error": "access_denied",
        "error_description": said["error_description"],
        "state": attempt.state,
        "iss": site.issuer,
    }


def test_a_sign_in_is_refreshed(site: Site) -> None:
    """With tokens that are new; when somebody signed in stays, and the nonce was for once."""
    attempt, tokens = site.tokens()
    again = attempt.client.refresh_token(f"{site.issuer}/token", tokens["refresh_token"])
    assert again["refresh_token"] != tokens["refresh_token"]
    before, after = site.claims(tokens), site.claims(again)
    assert "nonce" not in after
    same = ("sub", "auth_time", "groups", "iss", "aud")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert site.userinfo(again).is_success


def test_a_refresh_token_used_twice_ends_the_sign_in(site: Site) -> None:
    """Nobody knows who of the two is the thief."""
    attempt, tokens = site.tokens()
    url = f"{site.issuer}/token"
    again = attempt.client.refresh_token(url, tokens["refresh_token"])
    for spent in (tokens, again):
        with pytest.raises(OAuthError) as refused:
            attempt.client.refresh_token(url, spent["refresh_token"])
        assert refused.value.error == "invalid_grant"
    assert site.userinfo(again).status_code == 401


def test_a_refresh_token_of_another_client_is_refused(site: Site) -> None:
    """And not used up by that."""
    attempt, tokens = site.tokens()
    url = f"{site.issuer}/token"
    with pytest.raises(OAuthError) as refused:
        site.client(OTHER).refresh_token(url, tokens["refresh_token"])
    assert refused.value.error == "invalid_grant"
    assert attempt.client.refresh_token(url, tokens["refresh_token"])["id_token"]


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_signing_out_ends_everything(site: Site, kind: str) -> None:
    """Whichever token is revoked, and whoever else tries it ends nothing."""
    attempt, tokens = site.tokens()
    url = f"{site.issuer}/revocation"
    foreign = site.client(OTHER).revoke_token(url, token=tokens[kind], token_type_hint=kind)
    assert foreign.status_code == 400
    assert site.userinfo(tokens).is_success
    revoked = attempt.client.revoke_token(url, token=tokens[kind], token_type_hint=kind)
    assert revoked.status_code == 200
    assert site.userinfo(tokens).status_code == 401
    with pytest.raises(OAuthError):
        attempt.client.refresh_token(f"{site.issuer}/token", tokens["refresh_token"])


def test_an_access_token_lasts_five_minutes(site: Site, sandbox: Sandbox) -> None:
    """By the sandbox's clock."""
    _, tokens = site.tokens()
    assert tokens["expires_in"] == 300
    sandbox.set_clock(301)
    assert site.userinfo(tokens).status_code == 401


def test_another_organisation_begins_anew(site: Site, sandbox: Sandbox) -> None:
    """With another key, and none of the tokens of before."""
    _, tokens = site.tokens()
    anew = Site.on(sandbox)
    assert anew.userinfo(tokens).status_code == 401
    with pytest.raises(KeyError):
        anew.claims(tokens)
