"""Answers of ticket systems in the shapes that their documentation shows, with all that is around.

Zendesk API reference, "Tickets", Show Ticket, with users side-loaded; Jira REST API reference,
"Issues", Get issue. What does not matter to the broker is there too, as it is in real answers.
"""

from __future__ import annotations

import copy
from typing import Any

PLAIN: dict[str, Any] = {
    "id": "T-7",
    "status": "open",
    "account_ids": ["111122223333"],
    "assignees": ["jane@vendor.example"],
    "subject": "The instance does not start",
    "priority": "high",
}

ZENDESK: dict[str, Any] = {
    "ticket": {
        "url": "https://acme.zendesk.com/api/v2/tickets/35436.json",
        "id": 35436,
        "external_id": None,
        "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
        "created_at": "2026-07-20T22:55:29Z",
        "updated_at": "2026-07-21T10:38:52Z",
        "type": "incident",
        "subject": "The instance does not start",
        "raw_subject": "The instance does not start",
        "description": "It has not come up since Monday.",
        "priority": "high",
        "status": "open",
        "custom_status_id": 21331,
        "recipient": None,
        "requester_id": 20978392,
        "submitter_id": 76872,
        "assignee_id": 235323,
        "organization_id": 509974,
        "group_id": 98738,
        "collaborator_ids": [35334, 234],
        "follower_ids": [35334, 234],
        "problem_id": None,
        "has_incidents": False,
        "tags": ["enterprise"],
        "custom_fields": [
            {"id": 27642, "value": "745"},
            {"id": 360012345678, "value": "111122223333, 222233334444"},
            {"id": 27648, "value": None},
        ],
        "fields": [{"id": 27642, "value": "745"}],
        "satisfaction_rating": {"score": "offered"},
        "ticket_form_id": 47,
        "brand_id": 123,
    },
    "users": [
        {
            "id": 20978392,
            "name": "The Customer",
            "email": "someone@customer.example",
            "role": "end-user",
        },
        {"id": 235323, "name": "Jane", "email": "Jane@Vendor.example", "role": "agent"},
    ],
}
ZENDESK_FIELD = "360012345678"

JIRA: dict[str, Any] = {
    "expand": "renderedFields,names,schema,operations,editmeta,changelog",
    "id": "10002",
    "self": "https://acme.atlassian.net/rest/api/3/issue/10002",
    "key": "SUP-42",
    "fields": {
        "summary": "The instance does not start",
        "status": {
            "self": "https://acme.atlassian.net/rest/api/3/status/3",
            "description": "",
            "iconUrl": "https://acme.atlassian.net/images/icons/statuses/inprogress.png",
            "name": "Waiting for support",
            "id": "3",
            "statusCategory": {
                "self": "https://acme.atlassian.net/rest/api/3/statuscategory/4",
                "id": 4,
                "key": "indeterminate",
                "colorName": "yellow",
                "name": "In Progress",
            },
        },
        "assignee": {
            "self": "https://acme.atlassian.net/rest/api/3/user?accountId=5b10a2844c20165700ede21g",
            "accountId": "5b10a2844c20165700ede21g",
            "emailAddress": "jane@vendor.example",
            "displayName": "Jane",
            "active": True,
            "timeZone": "Europe/Berlin",
            "accountType": "atlassian",
        },
        "customfield_10042": "111122223333 222233334444",
    },
}
JIRA_FIELD = "customfield_10042"


def changed(answer: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy of an answer with another value at a path of members: `ticket.status`."""
    made = copy.deepcopy(answer)
    *to, last = path.split(".")
    place: Any = made
    for step in to:
        place = place[int(step)] if step.isdigit() else place[step]
    if isinstance(value, Missing):
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return made


class Missing:
    """Stands for a member that is not there."""


MISSING = Missing()
