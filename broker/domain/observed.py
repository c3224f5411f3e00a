"""What is found in a customer's account, as the management role may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from broker.domain.iam_documents import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedProvider:
    """The identity provider as found."""

    client_ids: frozenset[str]
    thumbprints: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedRole:
    """A role as found."""

    boundary: str | None
    managed_policies: frozenset[str]
    inline_policies: Mapping[str, Document]
    trust: Document
    longest_session: timedelta
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was found in one account; what is missing is None.

    Leftovers carry our tag and our names but belong to nothing that is wanted: roles of an older
    version, providers of an earlier registration.
    """

    provider: ObservedProvider | None
    roles: Mapping[str, ObservedRole | None] = field(default_factory=dict)
    leftover_roles: Mapping[str, ObservedRole] = field(default_factory=dict)
    leftover_providers: tuple[str, ...] = ()
