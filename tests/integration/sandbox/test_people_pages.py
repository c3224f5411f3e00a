"""The pages of the sandbox's OpenID provider: whose forms count, and what pages may load."""

from __future__ import annotations

import httpx
import pytest

from broker.sandbox.process import Sandbox, SandboxError
from tests.integration.sandbox.people_site import CLI_REDIRECT, WEB_SECRET, Site, hidden


@pytest.fixture
def site(sandbox: Sandbox) -> Site:
    """A provider of the test's own."""
    return Site.on(sandbox)


def _sent(url: str, fields: dict[str, object], **headers: str) -> httpx.Response:
    return httpx.post(url, data=fields, headers=headers, trust_env=False)


def _fields(url: str) -> dict[str, object]:
    return {**hidden(httpx.get(url, trust_env=False)), "person": "jane"}


def test_the_page_lists_everybody(site: Site) -> None:
    """With what they are, as text, and says whose page it is not."""
    page = httpx.get(site.attempt().url, trust_env=False)
    for words in ("Jane Doe", "engineer", "Carl &lt;i&gt;", "Cancel", "stands in for"):
        assert words in page.text


def test_a_form_counts_once(site: Site) -> None:
    """Going back and clicking again signs nobody in."""
    url = site.attempt().url
    fields = _fields(url)
    assert [_sent(url, fields).status_code for _ in range(2)] == [303, 400]


def test_a_form_counts_for_its_request_only(site: Site) -> None:
    """The number of one attempt is no good for another, and none is not either."""
    first, second = site.attempt().url, site.attempt().url
    assert _sent(second, _fields(first)).status_code == 400
    assert _sent(first, {"person": "jane"}).status_code == 400
    assert _sent(first, {"number": "made-up", "person": "jane"}).status_code == 400


@pytest.mark.parametrize(
    "added",
    [
        {"redirect_uri": "http://attacker.example/"},
        {"client_id": "pages"},
        {"person": ["jane", "carl"]},
    ],
)
def test_a_form_adds_nothing_to_the_request(site: Site, added: dict[str, object]) -> None:
    """What was asked for stands in the address; the form says who, and nothing else."""
    url = site.attempt().url
    assert _sent(url, {**_fields(url), **added}).status_code == 400


def test_somebody_unknown_is_not_signed_in(site: Site) -> None:
    """A name that is not on the page."""
    url = site.attempt().url
    answer = _sent(url, {**_fields(url), "person": "mallory"})
    assert "error=access_denied" in answer.headers["Location"]


@pytest.mark.parametrize("origin", ["cross-site", "same-site", "none"])
def test_a_form_of_another_site_is_refused(site: Site, origin: str) -> None:
    """Even with a number that is good; a browser says where a form comes from."""
    url = site.attempt().url
    fields = _fields(url)
    assert _sent(url, fields, **{"Sec-Fetch-Site": origin}).status_code == 403
    assert _sent(url, fields, **{"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_pages_are_read_under_their_own_name_only(site: Site) -> None:
    """A name that somebody else gave to 127.0.0.1 makes our pages nobody else's."""
    for path in ("authorize", "device", ".well-known/openid-configuration", "jwks.json"):
        url = f"{site.issuer}/{path}"
        foreign = httpx.get(url, headers={"Host": "attacker.example"}, trust_env=False)
        assert foreign.status_code == 421


def test_pages_load_nothing_from_elsewhere(site: Site) -> None:
    """No script at all, one style sheet of ours, forms to us and to where the request leads."""
    page = httpx.get(site.attempt().url, trust_env=False)
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": f"'self' {CLI_REDIRECT.removesuffix('/callback')}",
    }
    assert page.headers["Cache-Control"] == "no-store"
    for forbidden in ("<script", "style=", "onload", "https://"):
        assert forbidden not in page.text
    style = httpx.get(f"{site.issuer}/style.css", trust_env=False)
    assert style.headers["Content-Type"].startswith("text/css")
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_tokens_are_not_kept_by_caches(site: Site) -> None:
    """Nor are the refusals of tokens."""
    attempt = site.attempt()
    code = site.callback(attempt)
    assert attempt.client.fetch_token(
        f"{site.issuer}/token", authorization_response=code, code_verifier=attempt.verifier
    )
    refused = site.post("token", grant_type="authorization_code", client_id="command", code="x")
    assert refused.headers["Cache-Control"] == "no-store"
    assert refused.json()["error"] == "invalid_grant"


def test_other_methods_and_paths_are_refused(site: Site) -> None:
    """And leave the connection good for what comes next."""
    with httpx.Client(trust_env=False) as http:
        assert http.post(f"{site.issuer}/jwks.json", content=b"x" * 1000).status_code == 405
        assert http.get(f"{site.issuer}/token").status_code == 405
        assert http.post(f"{site.issuer}/elsewhere", content=b"x" * 1000).status_code == 404
        assert http.get(f"{site.issuer}/jwks.json").is_success


@pytest.mark.parametrize("broken", [{"people": [{"sub": "jane"}]}, {"clients": [{"secret": "x"}]}])
def test_a_faulty_description_is_refused_without_repeating_it(
    sandbox: Sandbox, broken: dict[str, list[dict[str, str]]]
) -> None:
    """It may hold a secret; the one before stays."""
    before = Site.on(sandbox)
    client = {"client_id": "c", "name": "c", "redirect_uris": [7], "client_secret": WEB_SECRET}
    described = {"people": [], "clients": [client], **broken}
    with pytest.raises(SandboxError) as refused:
        sandbox.open_to_people("Acme", **described)
    assert WEB_SECRET not in str(refused.value)
    assert before.tokens()[1]["id_token"]


def test_nobody_signs_in_before_there_are_people() -> None:
    """A sandbox of which nobody said who they are says what to do."""
    with Sandbox.start() as empty:
        answer = httpx.get(f"{empty.url}/_people/authorize", trust_env=False)
    assert answer.status_code == 404
    assert "PUT /_sandbox/people" in answer.text
