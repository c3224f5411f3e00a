"""Limits: so many of something in any stretch of time, and what they are counted by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_FORM = re.compile(r"([1-9][0-9]{0,6})/([1-9][0-9]{0,5})")
_LONGEST = timedelta(days=1)
_WITH_PORT = re.compile(r"([0-9.]{7,15}):[0-9]{1,5}|\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?")
"""How some proxies write in X-Forwarded-For from where a connection came."""

_NETWORK_BITS = 64
"""One customer of a provider commands a whole /64 (RFC 6177), so its addresses count as one."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in any stretch of time as long as `period`."""

    count: int
    period: timedelta

    @classmethod
    def parse(cls, text: str) -> Self:
        """A limit from `<count>/<seconds>`: `30/3600`. Raises ValueError with the rule."""
        found = _FORM.fullmatch(text)
        period = timedelta(seconds=int(found[2])) if found else timedelta()
        if found is None or period > _LONGEST:
            raise ValueError(
                "must be <count>/<seconds>, like 30/3600: both from 1 on, at most a day of seconds"
            )
        return cls(int(found[1]), period)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let settings name the type; a default may be a limit already."""

        def validate(value: object) -> Limit:
            return value if isinstance(value, Limit) else cls.parse(str(value))

        return core_schema.no_info_plain_validator_function(validate)

    def __str__(self) -> str:
        return f"{self.count}/{self.period // timedelta(seconds=1)}"


class Counted(StrEnum):
    """What is limited, and by whom it is counted. The value stands in keys and in the ledger."""

    SESSIONS_OF_ENGINEER = "sessions_of_engineer"
    SESSIONS_IN_ACCOUNT = "sessions_in_account"
    SESSIONS_OF_CALLER = "sessions_of_caller"
    SESSIONS_OVERALL = "sessions_overall"
    GRANTS_OF_ENGINEER = "grants_of_engineer"
    GRANTS_IN_ACCOUNT = "grants_in_account"
    GRANTS_OF_CALLER = "grants_of_caller"
    GRANTS_OVERALL = "grants_overall"
    BREAK_GLASS_OF_ENGINEER = "break_glass_of_engineer"
    REQUESTS_OF_CALLER = "requests_of_caller"
    REFUSALS_OF_CALLER = "refusals_of_caller"
    FAILED_SIGN_INS_FROM_ADDRESS = "failed_sign_ins_from_address"
    FAILED_SIGN_INS_OVERALL = "failed_sign_ins_overall"
    SIGN_INS_BEGUN_FROM_ADDRESS = "sign_ins_begun_from_address"
    USES_OF_ENDED_CREDENTIAL = "uses_of_ended_credential"
    """Credentials that were good once are no guesses: each counts by itself."""


@dataclass(frozen=True, slots=True)
class Window:
    """The places of one limit for one subject: an engineer, an account, a caller, an address."""

    counted: Counted
    subject: str
    limit: Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """No place in `window`; the next one gets free after `wait`.

    `first` tells the first refusal in a stretch as long as the window's period: the one that the
    ledger keeps, so that nobody lengthens it by hammering on a limit.
    """

    window: Window
    wait: timedelta
    first: bool

    @property
    def retry_after(self) -> int:
        """Whole seconds, rounded up, after which there is a place (RFC 9110, section 10.2.3)."""
        return -(-self.wait // timedelta(seconds=1))


def network_of(source_address: str) -> str:
    """What an address is counted by: an IPv4 address itself, an IPv6 address by its /64.

    A port behind it, as some proxies tell it, is another with each connection, and does not count.
    What is no address, as where a proxy speaks over a Unix socket, is counted as it stands.
    """
    with_port = _WITH_PORT.fullmatch(source_address)
    written = source_address if with_port is None else with_port[1] or with_port[2]
    try:
        address: IPv4Address | IPv6Address = ip_address(written)
    except ValueError:
        return source_address
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _NETWORK_BITS), strict=False))
