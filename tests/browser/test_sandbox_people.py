"""The sandbox's stand-in for an OpenID provider, in a real browser, as visitors see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from broker.cli.demo.people import CLI_CLIENT, PEOPLE
from broker.cli.demo.stage import SignIn, Stage
from tests.browser.axe import grave_findings
from tests.browser.chromium import Scripts, Watch


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A broker as the demo runs it."""
    folder = tmp_path_factory.mktemp("demo") / "stage"
    with Stage(folder, sign_in=SignIn.AT_THE_SANDBOX) as running:
        yield running


def _device(stage: Stage) -> Mapping[str, str]:
    """A terminal that waits."""
    issuer = stage.environment["BROKER_OIDC_ISSUER"]
    asked = {"client_id": CLI_CLIENT, "scope": "openid"}
    answer = httpx.post(f"{issuer}/device/authorization", data=asked, trust_env=False)
    begun: Mapping[str, str] = answer.raise_for_status().json()
    return begun


@pytest.mark.parametrize("scripts", Scripts)
def test_somebody_signs_in_with_one_click(
    chromium: Browser, stage: Stage, scripts: Scripts
) -> None:
    """With scripts and without; the policies of both sides let it happen and note no violation."""
    hosts = frozenset(url.removeprefix("http://") for url in (stage.url, stage.sandbox.url))
    watch = Watch(hosts=hosts, provider="http://nobody.example")
    with chromium.new_context(java_script_enabled=scripts.value) as context:
        watch.over(context)
        page = context.new_page()
        page.goto(f"{stage.url}/sign-in?return_to=/tickets")
        expect(
            page.get_by_text("stands in for your organisation's OpenID provider")
        ).to_be_visible()
        assert page.get_by_role("listitem").count() == len(PEOPLE)
        page.get_by_role("button", name="Jane Doe").click()
        expect(page).to_have_url(f"{stage.url}/tickets")
        expect(page.get_by_text("jane").first).to_be_visible()
    assert watch.troubles == []


def test_somebody_lets_a_terminal_in(chromium: Browser, stage: Stage) -> None:
    """By the code that it shows, typed."""
    begun = _device(stage)
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(begun["verification_uri"])
        page.get_by_label("code").fill(begun["user_code"].lower())
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text(begun["user_code"])).to_be_visible()
        page.get_by_role("button", name="Carl Brandt").click()
        expect(page.get_by_role("heading", name="Signed in as Carl Brandt")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_grave(chromium: Browser, stage: Stage, scheme: str) -> None:
    """On any of the pages, in either scheme."""
    issuer, begun = stage.environment["BROKER_OIDC_ISSUER"], _device(stage)
    pages = {
        f"{stage.url}/sign-in": "Who are you?",
        begun["verification_uri_complete"]: begun["user_code"],
        f"{issuer}/device?user_code=wrong": "No terminal is waiting",
        f"{issuer}/authorize": "Not signed in",
    }
    with chromium.new_context(bypass_csp=True, color_scheme=scheme) as context:
        page = context.new_page()
        found = {url: _grave(page, url, words) for url, words in pages.items()}
    assert found == {url: [] for url in pages}


def _grave(page: Page, url: str, words: str) -> list[str]:
    page.goto(url)
    expect(page.get_by_text(words).first).to_be_visible()
    return list(grave_findings(page))
