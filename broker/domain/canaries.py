"""Canaries: exchanges that prove what AWS enforces, with credentials that can do nothing.

A positive canary must be accepted. A negative one lacks one thing that the trust policy demands
and must be refused; it counts only after a positive one has passed (promise 2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from broker.domain.claims import (
    ROLES_CLAIM,
    SESSION_TAG,
    SOURCE_IDENTITY_CLAIM,
    TAGS_CLAIM,
    TICKET_TAG,
)
from broker.domain.identifiers import EngineerId, TicketId

Claims = Mapping[str, object]

CANARY_ENGINEER = EngineerId("broker-canary")
CANARY_TICKET = TicketId("canary")


@dataclass(frozen=True, slots=True)
class NegativeCanary:
    """A way to spoil good claims so that AWS must refuse them; `name` says what is wrong."""

    name: str
    spoil: Callable[[Claims], Claims]


def negative_canaries(*, other_role_arn: str, pinned: bool) -> tuple[NegativeCanary, ...]:
    """Every way in which a token for one role must fail; `pinned` where AWS demands pinning."""
    canaries = (
        NegativeCanary("without the ticket tag", lambda c: without_tag(c, TICKET_TAG)),
        NegativeCanary("without the session tag", lambda c: without_tag(c, SESSION_TAG)),
        NegativeCanary("without source identity", lambda c: without(c, SOURCE_IDENTITY_CLAIM)),
        NegativeCanary("for another audience", lambda c: {**c, "aud": "another.audience"}),
        NegativeCanary("for another subject", lambda c: {**c, "sub": "support:another"}),
    )
    if not pinned:
        return canaries
    return (
        *canaries,
        NegativeCanary("pinned to the other role", lambda c: {**c, ROLES_CLAIM: [other_role_arn]}),
        NegativeCanary("pinned to no role", lambda c: without(c, ROLES_CLAIM)),
    )


def without(claims: Claims, name: str) -> Claims:
    """The same claims lacking one."""
    return {key: value for key, value in claims.items() if key != name}


def without_tag(claims: Claims, key: str) -> Claims:
    """The same claims lacking one session tag."""
    tags = claims[TAGS_CLAIM]
    if not isinstance(tags, Mapping):
        raise TypeError("the tags claim is an object")
    kept = without(tags["principal_tags"], key)
    return {**claims, TAGS_CLAIM: {"principal_tags": kept, "transitive_tag_keys": list(kept)}}
