"""Public keys that whoever verifies a ledger brings along: from a file, or from an issuer."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import click
from pydantic_core import from_json

from broker.cli.failures import CommandFailed
from broker.domain.ledger.public_keys import BadKeys, KnownKeys, read_jwks

LARGEST = 1024 * 1024
"""Bytes of a JWKS; an issuer's has five keys at most."""


def known_keys(places: Iterable[str]) -> KnownKeys:
    """The keys of every JWKS named. Raises UsageError, and CommandFailed for one out of reach."""
    return {kid: key for place in places for kid, key in _read(place).items()}


def _read(place: str) -> KnownKeys:
    url = _parsed(place)
    text = _fetched(url) if url.scheme in ("http", "https") else _kept(Path(place))
    try:
        return read_jwks(
            from_json(text, allow_inf_nan=False, cache_strings="none", allow_partial=False)
        )
    except BadKeys as e:
        raise click.UsageError(f"{place} cannot be used: {e}.") from e
    except ValueError as e:
        raise click.UsageError(f"{place} cannot be used: it is not JSON.") from e


def _parsed(place: str) -> SplitResult:
    try:
        return urlsplit(place)
    except ValueError as e:
        raise click.UsageError(f"{place} is neither a file nor a URL.") from e


def _kept(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as e:
        raise click.UsageError(f"{path} cannot be read.") from e


def _fetched(url: SplitResult) -> bytes:
    """What is at the address, over https, or over http on this machine; no redirect is followed."""
    # An HTTP client takes longer to import than most ledgers take to verify.
    from broker.http.outbound import (  # noqa: PLC0415
        AddressRefused,
        Destination,
        Outbound,
        OutboundFailed,
        Reach,
    )

    try:
        port = url.port or {"https": 443, "http": 80}[url.scheme]
    except ValueError as e:
        raise click.UsageError(f"{url.geturl()} is not a URL.") from e
    to = Destination(
        scheme=url.scheme,
        host=url.hostname or "",
        port=port,
        target=f"{url.path or '/'}{'?' if url.query else ''}{url.query}",
        reach=Reach.OWN_NETWORKS if url.scheme == "https" else Reach.LOOPBACK,
    )
    try:
        answer = Outbound(endpoint_url=None).send("GET", to, largest=LARGEST)
    except AddressRefused as e:
        raise click.UsageError(
            f"{url.geturl()} is not fetched: http is for this machine only."
        ) from e
    except (OutboundFailed, UnicodeError) as e:
        raise CommandFailed(
            f"{url.geturl()} cannot be fetched. Try again, or name a file that holds it."
        ) from e
    if answer.status != 200:
        raise CommandFailed(
            f"{url.geturl()} answers {answer.status}, not with a JWKS. `broker accounts show` "
            "names the account's issuer, below which it is."
        )
    return answer.body
