"""The value in which the needs of an operation are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


class UnmappedOperationError(Exception):
    """The sandbox does not know which action this operation is, so it must refuse it."""


@dataclass(frozen=True)
class Need:
    """One permission. resource: an ARN, `*` where the action has none, None if not known."""

    action: str
    resource: str | None
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


def request_tags(tags: Mapping[str, str]) -> dict[str, str | Sequence[str]]:
    """The condition keys for tags that are sent with a request."""
    if not tags:
        return {}
    context: dict[str, str | Sequence[str]] = {
        f"aws:RequestTag/{key}": value for key, value in tags.items()
    }
    context["aws:TagKeys"] = list(tags)
    return context


def resource_tags(tags: Mapping[str, str]) -> dict[str, str | Sequence[str]]:
    """The condition keys for tags that a resource carries."""
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
