"""The web pages, one module a subject: for engineers, customers and operators.

A module here fills a `Section` with views that ask services and say what to show; `site` parses,
renders and protects. Templates are beside the package, and the words for states in `showing`.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint

from broker.errors import BrokerError
from broker.services.calls import Call
from broker.web.pages import (
    accounts,
    home,
    ledger,
    overview,
    policy,
    problem_page,
    proof,
    requests,
    sessions,
    tickets,
)
from broker.web.pages.site import Section, mount
from broker.wiring import Services

SECTIONS: tuple[Section, ...] = (
    tickets.section,
    sessions.section,
    requests.section,
    accounts.section,
    ledger.section,
    proof.section,
    overview.section,
)
"""All pages behind the sign-in."""


def blueprint(services: Services, authenticate: Callable[[], Call]) -> Blueprint:
    """The site. Without a provider at which to sign in, only the page that says so."""
    site = Blueprint("site", __name__)
    site.register_error_handler(BrokerError, problem_page.told)
    site.after_request(policy.protect)
    home.register(site, services, authenticate)
    if services.sign_in is not None:
        for section in SECTIONS:
            mount(site, section, services=services, authenticate=authenticate)
    return site
