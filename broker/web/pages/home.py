"""`/`: where everybody comes in, and what each of them came for."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from broker.domain.identity.permissions import Caller, Role
from broker.errors import Unauthenticated
from broker.services.calls import Call
from broker.web.pages.site import GoTo, Page, rendered
from broker.web.pages.viewer import is_operator, works_on_tickets
from broker.wiring import Services


def register(site: Blueprint, services: Services, authenticate: Callable[[], Call]) -> None:
    """The one page that greets strangers, too."""

    @site.get("/")
    def home() -> Response:
        """Lead a signed-in person to their work, and tell a stranger what this is."""
        try:
            call = authenticate()
        except Unauthenticated:
            signs_in = services.sign_in is not None
            return rendered(Page("welcome.html", {"signs_in": signs_in}), None)
        return rendered(GoTo(work_of(call.caller)), None)


def work_of(caller: Caller) -> str:
    """The page that a person most likely came for."""
    if is_operator(caller):
        return "/overview"
    if works_on_tickets(caller):
        return "/tickets"
    if Role.APPROVER in caller.roles:
        return "/requests?state=requested"
    if len(caller.account_ids) == 1:
        (account_id,) = caller.account_ids
        return f"/accounts/{account_id}"
    return "/accounts"
