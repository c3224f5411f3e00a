"""A small catalogue of actions for the tests of policies, and the shape that documents have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from broker.domain.proofs.action_catalogue import AccessLevel, ActionCatalogue, KnownAction

LEVELS: Mapping[str, AccessLevel] = {
    "ec2:DescribeInstances": AccessLevel.LIST,
    "ec2:GetConsoleOutput": AccessLevel.READ,
    "ec2:RunInstances": AccessLevel.WRITE,
    "ec2:CreateTags": AccessLevel.TAGGING,
    "s3:GetObject": AccessLevel.READ,
    "s3:GetObjectAcl": AccessLevel.READ,
    "s3:ListBucket": AccessLevel.LIST,
    "s3:PutBucketPolicy": AccessLevel.PERMISSIONS,
    "s3:PutObject": AccessLevel.WRITE,
    "s3-outposts:GetObject": AccessLevel.READ,
    "support:AddAttachmentsToSet": AccessLevel.WRITE,
    "support:AddCommunicationToCase": AccessLevel.WRITE,
    "support:CreateCase": AccessLevel.WRITE,
    "support:DescribeCases": AccessLevel.READ,
    "support:ResolveCase": AccessLevel.WRITE,
    "support:UpdateCaseSeverity": AccessLevel.WRITE,
}


def _services() -> dict[str, dict[str, KnownAction]]:
    services: dict[str, dict[str, KnownAction]] = {}
    for action, level in LEVELS.items():
        service, name = action.split(":")
        services.setdefault(service, {})[name.lower()] = KnownAction(action, level)
    return services


CATALOGUE = ActionCatalogue(
    version="small", updated_at=datetime(2026, 10, 27, tzinfo=UTC), services=_services()
)


def allow(*actions: str, **members: object) -> dict[str, object]:
    """A statement that allows these actions everywhere."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **members}


def deny(*actions: str, **members: object) -> dict[str, object]:
    """A statement that denies these actions everywhere."""
    return {**allow(*actions), "Effect": "Deny", **members}


def policy(*statements: Mapping[str, object]) -> dict[str, object]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}
