"""`/overview` and `/search`: for whoever runs the broker, or audits it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from broker.domain.identifiers import GrantId, SessionId
from broker.services.calls import Call
from broker.services.insight.overview import KeyStep
from broker.web.pages.accounts import launch_url
from broker.web.pages.charts import chart_of
from broker.web.pages.site import GoTo, Page, Query, Section
from broker.wiring import Services
from keys.rotation_plan import ActivateKey, StageKey, WithdrawKey

section = Section("overview")

_BY_ID = ((SessionId, "/sessions/"), (GrantId, "/requests/"))
_KEY_STEPS = {
    StageKey: "a next key is made and published",
    ActivateKey: "the next key begins to sign",
    WithdrawKey: "the last key is withdrawn and deleted",
}


class _SearchQuery(Query):
    q: Annotated[str, Field(max_length=200)] = ""


@section.page("/overview")
def overview(services: Services, call: Call) -> Page:
    """Accounts by state, what hinders the bad ones, keys, live sessions, and the last two days."""
    found = services.overview(call)
    shown = {
        "overview": found,
        "chart": chart_of(found.activity.hours),
        "key_steps": [(each, _words_of(each)) for each in found.key_steps],
        "launch_urls": {
            account.account_id: launch_url(account, services, call)
            for account in found.without_roles
        },
        "now": services.clock(),
    }
    return Page("overview.html", shown)


@section.page("/search", query=_SearchQuery)
def search(services: Services, call: Call, query: _SearchQuery) -> Page | GoTo:
    """Accounts, tickets, and an engineer's sessions; whoever has an id is led there."""
    words = query.q.strip()
    for kind, path in _BY_ID:
        if kind.pattern.fullmatch(words):
            return GoTo(f"{path}{words}")
    found = services.search(words, call) if words else None
    return Page("search.html", {"words": words, "found": found, "now": services.clock()})


def _words_of(step: KeyStep) -> str:
    return _KEY_STEPS[type(step.step)]
