"""What AWS would find when it fetches an issuer's documents: reachable, cacheable, complete.

STS gives up after 5 seconds, does not follow its way elsewhere, and asks again at each call
where it may not cache; CloudTrail shows none of that (AWS.md has the sources).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from broker.domain.diagnosis import Check
from broker.domain.diagnosis.conditions import shown
from broker.domain.issuer_documents import JWKS_PATH

PATIENCE_OF_STS = timedelta(seconds=5)
SLOW = timedelta(seconds=2)
CACHED_AT_LEAST = timedelta(seconds=300)
CACHED_AT_MOST = timedelta(hours=24)
"""How long a staged key is published before it may sign: a cache must have let go by then."""

RENEWED_BEFORE = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer over HTTP, whatever it is."""

    status: int
    cache_control: str
    location: str
    body: bytes = field(repr=False)
    took: timedelta


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No answer; `reason` says how far it got, in words of our own."""

    reason: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server proved itself with, once its chain and its name were verified."""

    expires_at: datetime
    address: str
    is_public: bool
    """Whether `address`, where the server was reached, is one of the internet."""


class IssuerSite(Protocol):
    """The issuer's site as a stranger sees it. Never raises."""

    def fetch(self, url: str) -> Fetched | Unreachable:
        """The answer to a GET without credentials, without following a redirect."""
        ...

    def certificate(self, url: str) -> Certificate | Unreachable:
        """The certificate of the https server at `url`."""
        ...


def diagnose_discovery(issuer: str, fetched: Fetched | Unreachable) -> Iterator[Check]:
    """The discovery document: answered well, and of this very issuer."""
    name = "discovery document"
    faults = list(_faults_of_answer(name, fetched))
    document = _json(fetched)
    if not faults and document is None:
        faults.append(_no_json(name))
    elif not faults and document is not None:
        faults.extend(_faults_of_discovery(name, issuer, document))
    yield from faults or [Check.ok(name, _well(fetched, "and names the issuer exactly"))]


def _faults_of_discovery(name: str, issuer: str, document: Mapping[str, object]) -> Iterator[Check]:
    expected = {"issuer": issuer, "jwks_uri": issuer + JWKS_PATH}
    for member, wanted in expected.items():
        found = document.get(member)
        if found != wanted:
            yield Check.failed(
                name,
                f"Its `{member}` is {shown(found)}, not {shown(wanted)}.",
                meaning="AWS compares it character by character and takes no token of an issuer "
                "that calls itself otherwise.",
                mend="Find what rewrites the document between the broker and the internet, and "
                "compare BROKER_ISSUER_URL with the host that the public uses.",
            )


def diagnose_jwks(
    *,
    signing: Collection[str],
    staged: Collection[str],
    retiring: Collection[str],
    fetched: Fetched | Unreachable,
) -> Iterator[Check]:
    """The JWKS: answered well, with the kid that signs, those staged, and no stranger's."""
    name = "published keys"
    faults = list(_faults_of_answer(name, fetched))
    document = _json(fetched)
    if not faults and document is None:
        faults.append(_no_json(name))
    elif not faults and document is not None:
        found = _kids(document)
        strangers = found - {*signing, *staged, *retiring}
        faults.extend(_unpublished(name, set(signing) - found, staged=set(staged) - found))
        faults.extend(_strangers(name, strangers))
    yield from faults or [Check.ok(name, _well(fetched, "with the active and the staged key"))]


_STALE = (
    "See whether /readyz says that the issuers' documents are stale, and whether a cache in front "
    "of the broker keeps them for longer than it may."
)


def _unpublished(
    name: str, signing: Collection[str], *, staged: Collection[str]
) -> Iterator[Check]:
    for kid in sorted(signing):
        yield Check.failed(
            name,
            f"The key that signs is not among them: {shown(kid)}.",
            meaning="AWS finds no key for our tokens and refuses every one.",
            mend=_STALE,
        )
    for kid in sorted(staged):
        yield Check.failed(
            name,
            f"The staged key is not among them: {shown(kid)}.",
            meaning="The next rotation would sign with a key that AWS has never seen.",
            mend=_STALE,
        )


def _strangers(name: str, kids: Collection[str]) -> Iterator[Check]:
    for kid in sorted(kids):
        yield Check.failed(
            name,
            f"A key is published that the account's record does not have: {shown(kid)}.",
            meaning="Who holds it can sign in this issuer's name.",
            mend=f"{_STALE} If it is neither, somebody publishes keys of their own.",
        )


def diagnose_certificate(found: Certificate | Unreachable, *, now: datetime) -> Check:
    """The certificate chain of the issuers' host, and the days that are left."""
    name = "certificate"
    if isinstance(found, Unreachable):
        return Check.failed(
            name,
            found.reason,
            meaning="AWS verifies the chain too, unless the provider holds its thumbprint.",
            mend="Serve the certificate with all its intermediates, from an authority that AWS "
            "trusts, under the host of BROKER_ISSUER_URL.",
        )
    left = found.expires_at - now
    sentence = f"Its chain is valid for {left.days} more days."
    if left < RENEWED_BEFORE:
        return Check.warning(
            name,
            sentence,
            meaning="When it ends, AWS fetches no keys any more and every session is refused.",
            mend="Renew it, and see why it was not renewed by itself.",
        )
    if not found.is_public:
        return Check.warning(
            name,
            f"{sentence} But from here the host is at {found.address}, which is not public.",
            meaning="AWS asks from the internet and may see another server, or none.",
            mend="Compare with what the name resolves to in public DNS.",
        )
    return Check.ok(name, sentence)


def _faults_of_answer(name: str, fetched: Fetched | Unreachable) -> Iterator[Check]:
    if isinstance(fetched, Unreachable):
        yield Check.failed(
            name,
            fetched.reason,
            meaning="AWS cannot fetch it either, so it refuses every token with a text about a "
            "verification key, and CloudTrail stays silent.",
            mend="Is `broker serve` running, and does the public host lead to it?",
        )
        return
    if fetched.status != 200:
        yield _wrong_status(name, fetched)
        return
    if fetched.took >= SLOW:
        making = Check.failed if fetched.took >= PATIENCE_OF_STS else Check.warning
        yield making(
            name,
            f"It took {fetched.took.total_seconds():.1f} s.",
            meaning="AWS waits for 5 s in all, from farther away.",
            mend="See what stands between the internet and the broker; it answers from memory.",
        )
    yield from _faults_of_caching(name, fetched.cache_control)


def _wrong_status(name: str, fetched: Fetched) -> Check:
    if 300 <= fetched.status < 400:
        return Check.failed(
            name,
            f"It is redirected ({fetched.status}) to {shown(fetched.location)}.",
            meaning="A redirect leads AWS away from the issuer that the token names.",
            mend="Have the public host serve it itself, over https and without a redirect.",
        )
    return Check.failed(
        name,
        f"It is answered with the status {fetched.status}.",
        meaning="AWS gets no keys and refuses every token.",
        mend="Does the public host lead to this broker, and is the account registered in its "
        "store?",
    )


def _faults_of_caching(name: str, cache_control: str) -> Iterator[Check]:
    directives = {part.strip().lower() for part in cache_control.split(",")}
    mend = "See what changes Cache-Control between the broker and the internet."
    forbidding = sorted(directives & {"no-cache", "no-store", "private", "must-revalidate"})
    age = _max_age(directives)
    if forbidding or age is None or age < CACHED_AT_LEAST:
        yield Check.failed(
            name,
            f"Its Cache-Control is {shown(cache_control)}.",
            meaning="AWS would fetch it at nearly every call, and gives up when that gets slow.",
            mend=f"{mend} It must allow caching for at least 300 s.",
        )
    elif age > CACHED_AT_MOST:
        yield Check.warning(
            name,
            f"It may be cached for {age}.",
            meaning="A new key may sign before every cache has seen it.",
            mend=f"{mend} BROKER_JWKS_MAX_AGE_SECONDS goes up to a day.",
        )


def _max_age(directives: Collection[str]) -> timedelta | None:
    for directive in directives:
        given = re.fullmatch(r"max-age=\"?([0-9]{1,9})\"?", directive)
        if given:
            return timedelta(seconds=int(given[1]))
    return None


def _well(fetched: Fetched | Unreachable, what: str) -> str:
    seconds = fetched.took.total_seconds() if isinstance(fetched, Fetched) else 0.0
    return f"It is served in {seconds:.2f} s, cacheable, {what}."


def _no_json(name: str) -> Check:
    return Check.failed(
        name,
        "The answer is no JSON object.",
        meaning="Something else than the broker answers there, and AWS can make nothing of it.",
        mend="Does the public host lead to this broker?",
    )


def _json(fetched: Fetched | Unreachable) -> Mapping[str, object] | None:
    if isinstance(fetched, Unreachable):
        return None
    try:
        document = json.loads(fetched.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _kids(jwks: Mapping[str, object]) -> frozenset[str]:
    keys = jwks.get("keys")
    listed = keys if isinstance(keys, list) else []
    return frozenset(str(key.get("kid")) for key in listed if isinstance(key, dict))
