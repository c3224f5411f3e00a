"""Every page there is, each with somebody who has business there; tests and pictures go by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from tests.browser.exhibits import EXPORT, STORAGE, Exhibits
from tests.browser.office import Office

Address = Callable[[Office, Exhibits], str]


@dataclass(frozen=True, kw_only=True)
class Look:
    """How wide a page is, and on what ground; `name` ends the name of its picture."""

    name: str
    width: int
    height: int
    color_scheme: str = "light"

    def options(self) -> Mapping[str, Any]:
        """Those of a context that looks so."""
        return {
            "viewport": {"width": self.width, "height": self.height},
            "color_scheme": self.color_scheme,
            "reduced_motion": "reduce",
        }


LOOKS = (
    Look(name="light", width=1280, height=800),
    Look(name="dark", width=1280, height=800, color_scheme="dark"),
    Look(name="phone", width=360, height=740),
)


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A page as one person sees it."""

    route: str
    name: str
    """Of its pictures."""

    login: str | None
    """Who looks; None: somebody who has not signed in."""

    sentence: str
    """What it is for, as docs/pages.md says it."""

    address: Address | None = None
    """Where it is, if the route alone does not say."""

    steps: Callable[[Page], None] | None = None
    """What the person does there, if the page is an answer to that."""

    status: int = 200

    def path(self, office: Office, exhibits: Exhibits) -> str:
        """The path to go to."""
        return self.route if self.address is None else self.address(office, exhibits)


def _get_credentials(page: Page) -> None:
    page.get_by_role("button", name="Get credentials").first.click()
    page.get_by_role("heading", name="Credentials").wait_for()


SIGHTS: Sequence[Sight] = (
    Sight(
        route="/",
        name="welcome",
        login=None,
        sentence="What strangers see: what this is, and where to sign in.",
    ),
    Sight(
        route="/tickets",
        name="tickets",
        login="jane",
        sentence="An engineer's open tickets, each one click from credentials.",
    ),
    Sight(
        route="/tickets/<ticket_id>",
        name="ticket",
        login="jane",
        address=lambda _, __: f"/tickets/{EXPORT}",
        sentence="One ticket: a session made to measure, or straight to the AWS console.",
    ),
    Sight(
        route="/tickets/<ticket_id>",
        name="ticket-to-request",
        login="omar",
        address=lambda _, __: f"/tickets/{STORAGE}",
        sentence="A ticket of a customer who approves each access: the request.",
    ),
    Sight(
        route="/tickets",
        name="credentials",
        login="jane",
        steps=_get_credentials,
        sentence="Credentials, shown this once, with a countdown and a form for each shell.",
    ),
    Sight(
        route="/sessions",
        name="sessions",
        login="jane",
        sentence="The sessions of an engineer: live, revoked and expired.",
    ),
    Sight(
        route="/sessions/<session_id>",
        name="session",
        login="jane",
        address=lambda _, exhibits: f"/sessions/{exhibits.live}",
        sentence="One session without its credentials: how long it lasts, and how to end it.",
    ),
    Sight(
        route="/sessions/<session_id>",
        name="session-revoked",
        login="jane",
        address=lambda _, exhibits: f"/sessions/{exhibits.revoked}",
        sentence="A revoked session, and whether AWS was seen to refuse it.",
    ),
    Sight(
        route="/sessions/<session_id>",
        name="session-expired",
        login="jane",
        address=lambda _, exhibits: f"/sessions/{exhibits.expired}",
        sentence="A session that has ended by itself.",
    ),
    Sight(
        route="/sessions/<session_id>/activity",
        name="session-activity",
        login="jane",
        address=lambda _, exhibits: f"/sessions/{exhibits.live}/activity",
        sentence="What a session did, from the customer's own CloudTrail.",
    ),
    Sight(
        route="/approvals/<secret>",
        name="approval",
        login="carl",
        address=lambda office, exhibits: exhibits.link(office, "carl"),
        sentence="Behind an approval link: one request, for one person to decide.",
    ),
    Sight(
        route="/tickets/<ticket_id>",
        name="problem",
        login="jane",
        address=lambda _, __: "/tickets/T-9999",
        status=404,
        sentence="What is told where something is not there, or not for the viewer.",
    ),
)

NO_PAGES: Mapping[str, str] = {
    "/healthz": "for load balancers",
    "/readyz": "for load balancers",
    "/metrics": "for Prometheus",
    "/openapi.json": "for programs",
    "/onboarding/template.yaml": "for CloudFormation",
    "/sign-in": "leads to the provider",
    "/sign-in/callback": "leads back from it",
    "/static/<digest>/<name>": "style, script and icon of the pages",
}
"""What else is read with GET outside the API."""
