"""Every page there is, each with somebody who has business there; tests and pictures go by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.browser.exhibits import Exhibits
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

    def path(self, office: Office, exhibits: Exhibits) -> str:
        """The path to go to."""
        return self.route if self.address is None else self.address(office, exhibits)


SIGHTS: Sequence[Sight] = (
    Sight(
        route="/",
        name="welcome",
        login=None,
        sentence="What strangers see: what this is, and where to sign in.",
    ),
    Sight(
        route="/approvals/<secret>",
        name="approval",
        login="carl",
        address=lambda office, exhibits: exhibits.link(office, "carl"),
        sentence="Behind an approval link: one request, for one person to decide.",
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
