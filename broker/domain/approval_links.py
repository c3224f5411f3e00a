"""Approval links: one decision, by one named person, once, within minutes.

A link carries no authority of its own: whoever follows it signs in and has to be that person. It
is random all the same, so that nobody learns of requests by guessing, and only its hash is kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from broker.domain.identifiers import AccountId, GrantId
from broker.domain.times import Timestamp

LIVES = timedelta(minutes=15)
"""For how long a link can be used."""

PATH = "/approvals"
"""Where links lead, below the broker's own address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLink:
    """What a link is for, as stored under its hash."""

    grant_id: GrantId
    account_id: AccountId
    approver: str
    """The subject of the only person who may decide through it."""
    made_by: str
    expires_at: Timestamp


def link_hash(secret: str) -> str:
    """What is stored in place of a link's secret: SHA-256, in hexadecimal.

    The secret has 256 random bits, so a plain hash keeps it. Whatever else is presented as one
    is hashed too, and leads nowhere.
    """
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
