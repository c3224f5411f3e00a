"""Every action that IAM knows, with its access level, as AWS's reference of services has it.

The domain takes the catalogue as a value; where it comes from is an adapter's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class AccessLevel(StrEnum):
    """What an action does to what it is called on, in IAM's words."""

    LIST = "List"
    READ = "Read"
    WRITE = "Write"
    TAGGING = "Tagging"
    PERMISSIONS = "Permissions management"
    UNKNOWN = "Unknown"
    """The catalogue does not know the action, or not what it does."""


class KnownAction(NamedTuple):
    """One action as `service:Name`, in IAM's spelling."""

    name: str
    level: AccessLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCatalogue:
    """The actions of each service, by service prefix and by name, both in lower case.

    IAM takes no heed of letter case in either.
    """

    version: str
    updated_at: datetime
    services: Mapping[str, Mapping[str, KnownAction]]

    def level(self, action: str) -> AccessLevel:
        """The level of `service:Name`; UNKNOWN for what the catalogue does not have."""
        service, _, name = action.lower().partition(":")
        known = self.services.get(service, {}).get(name)
        return AccessLevel.UNKNOWN if known is None else known.level

    def named(self, pattern: str) -> frozenset[str]:
        """The actions that a policy names by `pattern`: `*`, or `service:Name` with wildcards."""
        service, _, name = ("*:*" if pattern == "*" else pattern.lower()).partition(":")
        return frozenset(
            actions[fitting].name
            for actions in _under(service, self.services)
            for fitting in _fitting(name, actions)
        )


def expression(pattern: str) -> str:
    """A pattern with `*` and `?` as a regular expression, in which `?` is never another's `*`."""
    wildcards = {"*": ".*", "?": "[^*]"}
    return "".join(wildcards.get(each) or re.escape(each) for each in pattern)


def _under(
    pattern: str, services: Mapping[str, Mapping[str, KnownAction]]
) -> Iterable[Mapping[str, KnownAction]]:
    return (services[prefix] for prefix in _fitting(pattern, services))


def _fitting(pattern: str, names: Mapping[str, object]) -> Iterable[str]:
    """The names that fit. A policy has thousands of patterns, so the simple forms come first."""
    if "*" not in pattern and "?" not in pattern:
        return (pattern,) if pattern in names else ()
    return filter(_matcher(pattern), names)


def _matcher(pattern: str) -> Callable[[str], object]:
    head = pattern[:-1]
    if "*" in head or "?" in pattern:
        return re.compile(expression(pattern)).fullmatch
    return lambda name: name.startswith(head)
