"""What all examples speak of: one customer, one engineer, one ticket, one afternoon."""

from __future__ import annotations

from datetime import UTC, datetime

from broker.domain.identifiers import (
    AccountId,
    BucketName,
    EngineerId,
    GrantId,
    ServiceName,
    SessionId,
    TicketId,
)

ACCOUNT = AccountId("111122223333")
CUSTOMER = "Harbour Bank"
BUCKET = BucketName("evidence-of-harbour-bank")
TICKET = TicketId("T-1042")
ENGINEER = EngineerId("jane@vendor.example")
APPROVER = EngineerId("carl@harbourbank.example")
GRANT = GrantId("gr-0123456789abcdef0123")
SESSION = SessionId("s-89abcdef0123456789ab")
API_TOKEN_ID = "0123456789ab"  # noqa: S105 - the public half
SERVICES = [ServiceName("ec2"), ServiceName("rds")]

ISSUER = "https://broker.example.com/oidc/3k9x2m7q4w8e1r5t6y0u3i7o9p2a4s6d"
KID = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/Acme-Support-ReadOnly"
ROLE_SESSION_NAME = f"{ENGINEER}@{TICKET}-{SESSION.short}"
ACCESS_KEY_ID = "ASIAIOSFODNN7EXAMPLE"
"""AWS's own example, as are the two secrets that begin like this in AWS's documentation."""

REASON = "The database is slow since the upgrade"


def at(hour: int, minute: int, second: int = 0) -> datetime:
    """A time of that afternoon."""
    return datetime(2026, 11, 24, hour, minute, second, tzinfo=UTC)
