"""One office for all browser tests. The browser is a module's: while it runs, so does an event
loop, which other tests must not find."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import running_chromium
from tests.browser.errands import Errands
from tests.browser.exhibits import Exhibits, arranged
from tests.browser.office import Office, opened
from tests.browser.visitors import Visitors, visitors


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The broker, the provider, the console."""
    with opened(tmp_path_factory.mktemp("office")) as standing:
        yield standing


@pytest.fixture(scope="session")
def exhibits(office: Office) -> Exhibits:
    """What there is to see in it; tests leave it as they found it."""
    return arranged(office)


@pytest.fixture(scope="session")
def errands(office: Office, exhibits: Exhibits) -> Errands:  # noqa: ARG001 - they onboard Mill
    """What tests do over the API before they go to a page."""
    return Errands.of(office)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's chromium."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def people(chromium: Browser, office: Office) -> Iterator[Visitors]:
    """People at their browsers, watched: what goes wrong in one of those fails the test."""
    with visitors(chromium, office) as watched:
        yield watched
