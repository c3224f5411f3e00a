"""The world that the browser tests share: a broker, the organisation's provider, five accounts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from broker.cli.demo.stage import UNHURRIED, Stage, free_port
from tests.browser.chromium import Watch
from tests.browser.people import PEOPLE, ROLES
from tests.e2e.organisation import Provider
from tests.e2e.world import Callers, Person


@dataclass(frozen=True, kw_only=True)
class Office:
    """A running broker that signs people in at the provider; `console` tells it of customers."""

    stage: Stage
    provider: Provider
    callers: Callers
    console: Person
    cookies: dict[str, Any] = field(default_factory=dict, repr=False)
    """Of people who have signed in, by login name."""

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self.stage.url

    def watch(self) -> Watch:
        """A watch that knows which hosts pages may lead to."""
        urls = (self.stage.url, self.stage.sandbox.url, self.provider.issuer)
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
        yield Office(stage=stage, provider=provider, callers=callers, console=console)
