"""One good request for each operation of the API, by the name that OpenAPI gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.web.api import APIS
from broker.web.endpoints import Endpoint
from tests.integration.api.world import ACCOUNT, ENGINEER, IN_A_MONTH, NOWHERE, TICKET

ENDPOINTS: Mapping[str, Endpoint] = {
    endpoint.name: endpoint for api in APIS for endpoint in api.endpoints
}


@dataclass(frozen=True)
class Sample:
    """A request that would be answered well, by `caller`."""

    caller: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


LATELY = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
PAGE = {"limit": "2", "cursor": ""}
ONE_GRANT = {"grant_id": "gr-" + "0" * 20}
IN_ACCOUNT = {**PAGE, "account_id": ACCOUNT}

SAMPLES: Mapping[str, Sample] = {
    "register_account": Sample(
        "console",
        body={
            "account_id": "123123123123",
            "customer": "Example Ltd",
            "payer": True,
            "profile": "full",
            "consent": "per_grant",
        },
    ),
    "list_accounts": Sample("admin", query=PAGE),
    "show_account": Sample("admin", path={"account_id": ACCOUNT}),
    "change_account": Sample(
        "admin",
        path={"account_id": ACCOUNT},
        body={
            "payer": True,
            "profile": "full",
            "consent": "off",
            "checkpoint_bucket": "bucket-of-the-customer",
        },
    ),
    "reconcile_account": Sample("admin", path={"account_id": ACCOUNT}),
    "diagnose_account": Sample("admin", path={"account_id": ACCOUNT}),
    "revoke_account": Sample("admin", path={"account_id": NOWHERE}),
    "rotate_keys": Sample("admin", path={"account_id": NOWHERE}, body={"emergency": True}),
    "remove_account": Sample("admin", path={"account_id": NOWHERE}),
    "plan_account": Sample("admin", path={"account_id": ACCOUNT}),
    "prove_account": Sample("auditor", path={"account_id": ACCOUNT}),
    "write_ticket": Sample(
        "console",
        path={"ticket_id": "CASE-SAMPLE"},
        body={
            "account_ids": [ACCOUNT],
            "subject": "Instances do not start",
            "status": "open",
            "assignees": [ENGINEER],
        },
    ),
    "show_ticket": Sample("admin", path={"ticket_id": TICKET}),
    "list_tickets": Sample("admin", query=PAGE),
    "request_grant": Sample(
        ENGINEER,
        body={
            "account_id": ACCOUNT,
            "ticket": TICKET,
            "reason": "to look",
            "access": "read",
            "duration_seconds": 900,
            "break_glass": False,
            "on_behalf_of": ENGINEER,
        },
    ),
    "list_grants": Sample(
        "admin",
        query={**IN_ACCOUNT, "ticket": TICKET, "state": "requested", "engineer": ENGINEER},
    ),
    "show_grant": Sample("admin", path=ONE_GRANT),
    "approve_grant": Sample("approver", path=ONE_GRANT, body={"reason": "as agreed"}),
    "deny_grant": Sample("approver", path=ONE_GRANT, body={"reason": "not today"}),
    "revoke_grant": Sample("admin", path=ONE_GRANT, body={"reason": "enough"}),
    "make_approval_link": Sample("console", path=ONE_GRANT, body={"approver": "approver"}),
    "open_session": Sample(
        ENGINEER,
        body={
            "account_id": ACCOUNT,
            "ticket": TICKET,
            "reason": "to look",
            "access": "read",
            "duration_seconds": 900,
            "services": ["ec2"],
            "grant_id": "gr-" + "0" * 20,
            "on_behalf_of": ENGINEER,
        },
    ),
    "make_console_url": Sample(
        ENGINEER,
        path={"session_id": "s-" + "0" * 20},
        body={
            "credentials": {
                "access_key_id": "ASIA" + "0" * 16,
                "secret_access_key": "secret",
                "session_token": "session",
            },
            "destination": "ec2",
            "region": "us-west-2",
        },
    ),
    "open_console": Sample(
        ENGINEER,
        body={
            "account_id": ACCOUNT,
            "ticket": TICKET,
            "reason": "to look",
            "access": "read",
            "duration_seconds": 900,
            "services": ["ec2"],
            "grant_id": "gr-" + "0" * 20,
            "on_behalf_of": ENGINEER,
            "destination": "ec2",
            "region": "us-west-2",
        },
    ),
    "list_sessions": Sample("admin", query=IN_ACCOUNT),
    "show_session": Sample("admin", path={"session_id": "s-" + "0" * 20}),
    "revoke_session": Sample("admin", path={"session_id": "s-" + "0" * 20}),
    "revoke_many": Sample(
        "admin",
        body={
            "ticket": "CASE-NOBODY",
            "engineer": None,
            "account_id": None,
            "everything": None,
            "reason": "to be safe",
        },
    ),
    "list_entries": Sample("auditor", query=IN_ACCOUNT),
    "show_activity": Sample(
        "auditor", path={"session_id": "s-" + "0" * 20}, query={**PAGE, "region": "us-west-2"}
    ),
    "reconcile_ledger": Sample(
        "auditor",
        path={"account_id": ACCOUNT},
        body={"from": LATELY, "to": "2099-01-01T00:00:00Z", "regions": ["us-east-1"]},
    ),
    "export_ledger": Sample("auditor", query={"account_id": ACCOUNT, "after": "1", "through": "3"}),
    "sign_ledger": Sample("auditor", body={"account_id": ACCOUNT}),
    "create_api_token": Sample(
        "admin",
        body={
            "subject": "service",
            "roles": ["auditor"],
            "account_ids": [ACCOUNT],
            "expires_at": IN_A_MONTH,
        },
    ),
    "list_api_tokens": Sample("admin", query=PAGE),
    "revoke_api_token": Sample("admin", path={"token_id": "0" * 12}),
    "show_self": Sample("admin"),
}


def address(name: str, **path: str) -> str:
    """The path of an operation, with these identifiers in place of the sample's."""
    found = ENDPOINTS[name].path
    for parameter, value in {**SAMPLES[name].path, **path}.items():
        found = found.replace(f"<{parameter}>", value)
    return found
