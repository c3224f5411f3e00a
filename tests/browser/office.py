"""The world that the browser tests share: a broker, the organisation's provider, its customers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from broker.cli.demo.stage import UNHURRIED, Stage, free_port
from broker.web.application import create_app
from broker.web.metrics import Metrics
from tests.browser.chromium import Watch
from tests.browser.people import PEOPLE, ROLES
from tests.e2e.organisation import Provider
from tests.e2e.world import Callers, Person
from tests.integration.api.conftest import services_beside
from tests.serving import serving


@dataclass(frozen=True, kw_only=True)
class Office:
    """A running broker that signs people in at the provider; `console` tells it of customers."""

    stage: Stage
    provider: Provider
    callers: Callers
    console: Person
    closed_url: str
    """Where a broker without a provider is, on the same store."""

    cookies: dict[str, Any] = field(default_factory=dict, repr=False)
    """Of people who have signed in, by login name."""

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self.stage.url

    def watch(self) -> Watch:
        """A watch that knows which hosts pages may lead to."""
        urls = (self.stage.url, self.stage.sandbox.url, self.provider.issuer, self.closed_url)
        return Watch(
            hosts=frozenset(url.removeprefix("http://") for url in urls),
            provider=self.provider.issuer,
            aws=self.stage.sandbox.url,
        )

    def ticket(self, ticket_id: str, *account_ids: str, subject: str, **said: object) -> str:
        """The id of an open ticket, as the console tells it."""
        body = {"account_ids": list(account_ids), "subject": subject, "status": "open", **said}
        self.console.ask("PUT", f"/v1/tickets/{ticket_id}", body)
        return ticket_id


@contextmanager
def opened(folder: Path) -> Iterator[Office]:
    """The office, in `folder`, on loopback and over plain http; without customers so far."""
    port = free_port()
    with ExitStack() as stack:
        callback = f"http://127.0.0.1:{port}/sign-in/callback"
        provider = stack.enter_context(Provider(callbacks=[callback], people=PEOPLE))
        settings = {**UNHURRIED, **provider.settings(folder / "roles.toml", roles=ROLES)}
        stage = stack.enter_context(Stage(folder / "stage", port=port, settings=settings))
        callers = Callers.on(stage, stack)
        console = callers.person("console", "console")
        closed_url = stack.enter_context(_without_provider(stage))
        yield Office(
            stage=stage,
            provider=provider,
            callers=callers,
            console=console,
            closed_url=closed_url,
        )


@contextmanager
def _without_provider(stage: Stage) -> Iterator[str]:
    """Where a broker is at which nobody can sign in."""
    with services_beside(stage) as services:
        app = create_app(replace(services, sign_in=None), Metrics())
        server = make_server("127.0.0.1", 0, app, threaded=True)
        with serving(server):
            yield f"http://127.0.0.1:{server.server_port}"
