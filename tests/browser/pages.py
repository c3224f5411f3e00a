"""Every page there is, each with somebody who has business there; tests and pictures go by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import Page

from tests.browser.exhibits import BILL, EXPORT, STORAGE, Exhibits
from tests.browser.office import Office
from tests.browser.people import (
    HARBOUR,
    HARBOUR_OLD,
    HARBOUR_PAYER,
    LUMEN,
    ORCHARD,
    TIDEWATER,
    subject,
)

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
    """Where it is, if the route alone does not say; with the host, if that is another broker's."""

    steps: Callable[[Page], None] | None = None
    """What the person does there, if the page is an answer to that."""

    status: int = 200

    def url(self, office: Office, exhibits: Exhibits) -> str:
        """Where to go to."""
        address = self.route if self.address is None else self.address(office, exhibits)
        return urljoin(office.url, address)


def _get_credentials(page: Page) -> None:
    page.get_by_role("button", name="Get credentials").first.click()
    page.get_by_role("heading", name="Credentials").wait_for()


def _ask_for_more(page: Page) -> None:
    page.get_by_label("Raise AWS support cases for it").check()
    page.get_by_role("button", name="Get credentials").click()
    page.get_by_role("heading", name="The customer is asked first").wait_for()


def _reload_credentials(page: Page) -> None:
    _get_credentials(page)
    page.reload()
    page.get_by_role("heading", name="Session").wait_for()


def _approve(page: Page) -> None:
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("heading", name="Approved").wait_for()


def _prove(page: Page) -> None:
    page.get_by_role("button", name="Prove now").click()
    page.get_by_role("heading", name="What support may do").wait_for()


SIGHTS: Sequence[Sight] = (
    Sight(
        route="/",
        name="welcome",
        login=None,
        sentence="What strangers see: what this is, and where to sign in.",
    ),
    Sight(
        route="/",
        name="welcome-without-provider",
        login=None,
        address=lambda office, _: office.closed_url,
        sentence="The same where no provider is set up, so that nobody can sign in.",
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
        login="omar",
        steps=_get_credentials,
        sentence="Credentials, shown this once, with a countdown and a form for each shell.",
    ),
    Sight(
        route="/sessions/<session_id>",
        name="credentials-shown-already",
        login="omar",
        address=lambda _, __: "/tickets",
        steps=_reload_credentials,
        sentence="What a reload of that page leads to: nothing is opened, and nothing shown again.",
    ),
    Sight(
        route="/tickets/<ticket_id>",
        name="grant-needed",
        login="omar",
        address=lambda _, __: f"/tickets/{BILL}",
        steps=_ask_for_more,
        sentence="Where more is asked for than was granted: the customer decides first.",
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
        route="/requests",
        name="requests",
        login="carl",
        sentence="What waits for a decision, and what was decided, as a customer sees it.",
    ),
    Sight(
        route="/requests/<grant_id>",
        name="request-to-decide",
        login="carl",
        address=lambda _, exhibits: f"/requests/{exhibits.waiting}",
        sentence="One request: who, why and for how long; approve or deny.",
    ),
    Sight(
        route="/requests/<grant_id>",
        name="request-waiting",
        login="jane",
        address=lambda _, exhibits: f"/requests/{exhibits.waiting}",
        sentence="The same for the engineer who waits; it shows the decision by itself.",
    ),
    Sight(
        route="/requests/<grant_id>",
        name="request-approved",
        login="carl",
        address=lambda _, exhibits: f"/requests/{exhibits.approved}",
        sentence="A grant with the sessions under it, which its customer can revoke.",
    ),
    Sight(
        route="/accounts",
        name="accounts",
        login="ruth",
        sentence="All accounts; those that lack their stack stand out and lead to it.",
    ),
    Sight(
        route="/accounts/<account_id>",
        name="account",
        login="carl",
        address=lambda _, __: f"/accounts/{HARBOUR_PAYER}",
        sentence="What a customer sees of an account: what is installed and why, and the switch.",
    ),
    Sight(
        route="/accounts/<account_id>",
        name="account-switched-off",
        login="carl",
        address=lambda _, __: f"/accounts/{HARBOUR_OLD}",
        sentence="An account whose customer lets nobody in.",
    ),
    Sight(
        route="/accounts/<account_id>",
        name="account-degraded",
        login="ruth",
        address=lambda _, __: f"/accounts/{LUMEN}",
        sentence="An account that something hinders, with the reason, for an operator.",
    ),
    Sight(
        route="/accounts/<account_id>",
        name="account-registered",
        login="ruth",
        address=lambda _, __: f"/accounts/{TIDEWATER}",
        sentence="An account that waits for its stack.",
    ),
    Sight(
        route="/accounts/<account_id>/ledger",
        name="ledger",
        login="carl",
        address=lambda _, __: f"/accounts/{HARBOUR}/ledger",
        sentence="Everything that was decided about an account, and how to verify it.",
    ),
    Sight(
        route="/accounts/<account_id>/ledger",
        name="ledger-of-a-session",
        login="nora",
        address=lambda _, exhibits: f"/accounts/{ORCHARD}/ledger?session={exhibits.revoked}",
        sentence="What belongs to one session: who approved it, what came of it, how it ended.",
    ),
    Sight(
        route="/accounts/<account_id>/proof",
        name="proof",
        login="nora",
        address=lambda _, __: f"/accounts/{ORCHARD}/proof",
        sentence="What a proof is, before it is made.",
    ),
    Sight(
        route="/accounts/<account_id>/proof",
        name="proof-made",
        login="nora",
        address=lambda _, __: f"/accounts/{ORCHARD}/proof",
        steps=_prove,
        sentence="What the roles may really do, action by action, read from AWS just now.",
    ),
    Sight(
        route="/accounts/<account_id>/plan",
        name="plan",
        login="ruth",
        address=lambda _, __: f"/accounts/{HARBOUR_PAYER}/plan",
        sentence="What a reconciliation would do, where somebody has deleted a role.",
    ),
    Sight(
        route="/overview",
        name="overview",
        login="ruth",
        sentence="For operators: accounts by state, what hinders them, keys, sessions by the hour.",
    ),
    Sight(
        route="/search",
        name="search",
        login="otto",
        address=lambda _, __: f"/search?q={EXPORT}",
        sentence="Tickets, engineers, accounts and their customers, found in one place.",
    ),
    Sight(
        route="/search",
        name="search-of-an-engineer",
        login="otto",
        address=lambda _, __: f"/search?q={subject('jane')}",
        sentence="An engineer's sessions, for an auditor.",
    ),
    Sight(
        route="/docs",
        name="api",
        login=None,
        sentence="Every operation of the API, with an example of what it takes and gives.",
    ),
    Sight(
        route="/approvals/<secret>",
        name="approval",
        login="carl",
        address=lambda office, exhibits: exhibits.link(office, "carl"),
        sentence="Behind an approval link: one request, for one person to decide.",
    ),
    Sight(
        route="/approvals/<secret>",
        name="approval-given",
        login="carl",
        address=lambda office, exhibits: exhibits.link_to_use(office),
        steps=_approve,
        sentence="What is said of a decision that was taken through such a link.",
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
