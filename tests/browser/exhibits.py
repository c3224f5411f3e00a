"""What there is to see at the pages: accounts in every state, tickets, requests, sessions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError

from broker.sandbox.process import Keys
from tests.browser.office import Office
from tests.browser.people import (
    HARBOUR,
    HARBOUR_OLD,
    HARBOUR_PAYER,
    LUMEN,
    MILL,
    ORCHARD,
    TIDEWATER,
    subject,
)
from tests.e2e.estate import CASE_ROLE, delete_role
from tests.e2e.world import Person

INVOICES, STORAGE, BILL = "T-1042", "T-1047", "T-1061"
"""Of Harbour Bank; the last one for its payer account."""

EXPORT, GATEWAY = "T-1050", "T-1038"
"""Of Orchard Foods; the second one is closed."""


@dataclass(frozen=True, kw_only=True)
class Exhibits:
    """The ids of what is there, for the addresses of pages."""

    waiting: str
    """A request of jane for Harbour Bank."""

    approved: str
    """One of omar for Harbour's payer account, with a session under it."""

    live: str
    """A session of jane at Orchard Foods, with calls in its trail."""

    revoked: str
    """Another one, which she has ended."""

    expired: str
    """And one that has ended by itself."""

    numbers: Iterator[int] = field(default_factory=itertools.count)
    """Of further tickets."""

    def link(self, office: Office, approver: str) -> str:
        """The path of a new approval link to the waiting request."""
        return _link(office, self.waiting, approver)

    def link_to_use(self, office: Office) -> str:
        """The path of one for carl, to a request that nothing else shows: a ticket of its own."""
        ticket = f"T-2{next(self.numbers):03}"
        office.ticket(ticket, HARBOUR_PAYER, subject="A line of the bill is unclear")
        body = _wanted(HARBOUR_PAYER, ticket, "Find out what that line is for")
        by_console = {**body, "on_behalf_of": subject("omar")}
        grant = office.console.ask("POST", "/v1/grants", by_console)
        return _link(office, grant["id"], "carl")


def _link(office: Office, grant_id: str, approver: str) -> str:
    path = f"/v1/grants/{grant_id}/approval-link"
    made = office.console.ask("POST", path, {"approver": subject(approver)})
    return str(made["url"]).removeprefix(office.url)


def arranged(office: Office) -> Exhibits:
    """Everything in place, done over the API by those whose turn it is."""
    jane, omar = (_by_api(office, login, "engineer") for login in ("jane", "omar"))
    carl = _by_api(office, "carl", "customer", accounts=(HARBOUR, HARBOUR_PAYER, HARBOUR_OLD))
    administrator = _onboard(office)
    _tell_tickets(office)
    consent = {"consent": "per_grant"}
    for account_id in (HARBOUR, HARBOUR_PAYER):
        carl.ask("PATCH", f"/v1/accounts/{account_id}", consent)
    carl.ask("PATCH", f"/v1/accounts/{HARBOUR_OLD}", {"consent": "off"})
    approved = _decide(jane, omar, carl)
    waiting = _ask(jane, HARBOUR, INVOICES, "See which invoices the import has left out")
    expired = _expired(office, jane)
    revoked = _open(jane, ORCHARD, EXPORT, "Look at the queue of the export")
    jane.ask("DELETE", f"/v1/sessions/{revoked['session']['id']}")
    live = _open(jane, ORCHARD, EXPORT, "See where the export stops")
    _work(office, live["credentials"])
    refused = jane.http.post("/v1/sessions", json=_wanted(ORCHARD, GATEWAY, "One more look"))
    assert refused.status_code == 403
    office.callers.admin.ask("POST", "/v1/ledger/checkpoint", {"account_id": HARBOUR})
    _spoil(office, administrator)
    return Exhibits(
        waiting=waiting["id"],
        approved=approved["id"],
        live=live["session"]["id"],
        revoked=revoked["session"]["id"],
        expired=expired["session"]["id"],
    )


def _by_api(office: Office, login: str, role: str, *, accounts: tuple[str, ...] = ()) -> Person:
    return office.callers.person(subject(login), role, account_ids=accounts)


def _onboard(office: Office) -> Keys:
    """All customers; returns the keys of the administrator of Harbour's payer account."""
    stage, console = office.stage, office.console
    stage.onboard(console.http, HARBOUR, customer="Harbour Bank")
    payer = stage.onboard(
        console.http, HARBOUR_PAYER, customer="Harbour Bank, payer", payer=True, profile="full"
    )
    stage.onboard(console.http, HARBOUR_OLD, customer="Harbour Bank, until 2025")
    stage.onboard(console.http, ORCHARD, customer="Orchard Foods")
    stage.onboard(console.http, MILL, customer="Mill and Company")
    stage.onboard(console.http, LUMEN, customer="Lumen Clinics")
    stage.sandbox.delete_stack(LUMEN)
    degraded = console.http.post(f"/v1/accounts/{LUMEN}/reconciliation")
    assert degraded.json()["state"] == "degraded", degraded.text
    console.ask("POST", "/v1/accounts", {"account_id": TIDEWATER, "customer": "Tidewater Ferries"})
    return payer.administrator


def _spoil(office: Office, administrator: Keys) -> None:
    """Delete a role of ours, for a plan to have something in it."""
    iam = boto3.client(
        "iam",
        endpoint_url=office.stage.sandbox.url,
        region_name="us-east-1",
        aws_access_key_id=administrator.access_key_id,
        aws_secret_access_key=administrator.secret_access_key,
    )
    delete_role(iam, CASE_ROLE)


def _tell_tickets(office: Office) -> None:
    jane, omar = subject("jane"), subject("omar")
    office.ticket(INVOICES, HARBOUR, subject="Invoices are missing since Monday", assignees=[jane])
    office.ticket(STORAGE, HARBOUR, subject="The archive fills up", assignees=[omar])
    office.ticket(EXPORT, ORCHARD, subject="The nightly export of orders stops half way")
    office.ticket(
        BILL, HARBOUR_PAYER, subject="The bill has doubled since October", assignees=[jane, omar]
    )
    office.ticket(GATEWAY, ORCHARD, subject="The load balancer answers 502", status="closed")


def _decide(jane: Person, omar: Person, carl: Person) -> Mapping[str, Any]:
    """One request approved and used, which is returned, and one denied."""
    approved = _ask(omar, HARBOUR_PAYER, BILL, "Compare the bills of October and November")
    reason = {"reason": "As agreed on the telephone"}
    carl.ask("POST", f"/v1/grants/{approved['id']}/approval", reason)
    _open(omar, HARBOUR_PAYER, BILL, "Compare the bills of October and November")
    denied = _ask(jane, HARBOUR_PAYER, BILL, "Raise a case with AWS", access="case")
    reason = {"reason": "We raise that one ourselves"}
    carl.ask("POST", f"/v1/grants/{denied['id']}/denial", reason)
    return approved


def _wanted(account_id: str, ticket: str, reason: str, **more: Any) -> Mapping[str, Any]:
    return {"account_id": account_id, "ticket": ticket, "reason": reason, **more}


def _ask(
    engineer: Person, account_id: str, ticket: str, reason: str, **more: Any
) -> Mapping[str, Any]:
    asked: Mapping[str, Any] = engineer.ask(
        "POST", "/v1/grants", _wanted(account_id, ticket, reason, **more)
    )
    return asked


def _open(engineer: Person, account_id: str, ticket: str, reason: str) -> Mapping[str, Any]:
    opened: Mapping[str, Any] = engineer.ask(
        "POST", "/v1/sessions", _wanted(account_id, ticket, reason)
    )
    return opened


def _expired(office: Office, engineer: Person) -> Mapping[str, Any]:
    """A session that AWS has given for a second; over by the time that anybody looks."""
    office.stage.sandbox.shorten_sessions(1)
    try:
        return _open(engineer, ORCHARD, EXPORT, "See the last run of the export")
    finally:
        office.stage.sandbox.shorten_sessions(None)


def _work(office: Office, credentials: Mapping[str, str]) -> None:
    """A few looks around, for the account's trail; AWS refuses the last."""
    session = boto3.Session(
        aws_access_key_id=credentials["access_key_id"],
        aws_secret_access_key=credentials["secret_access_key"],
        aws_session_token=credentials["session_token"],
        region_name="us-east-1",
    )
    endpoint = office.stage.sandbox.url
    session.client("iam", endpoint_url=endpoint).list_roles()
    ec2 = session.client("ec2", endpoint_url=endpoint)
    ec2.describe_instances()
    with suppress(ClientError):
        ec2.terminate_instances(InstanceIds=["i-0123456789abcdef0"])
