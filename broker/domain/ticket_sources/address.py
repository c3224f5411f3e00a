"""Where a ticket system answers: a URL with a place for the ticket's id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, urlsplit

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from broker.domain.identifiers import TicketId
from broker.domain.loopback import is_secure

PLACE = "{ticket}"

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>/[!$-;=?-\[\]_a-z{}~]*)"
)
"""Lower-case host, no user, no fragment, no backslash: parsers agree on the rest."""

_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketUrl:
    """The parts of such a URL; `template` is path and query with the place in it."""

    scheme: str
    host: str
    port: int
    template: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises ValueError with the rule that is broken."""
        parts = _URL.fullmatch(url)
        if parts is None:
            raise ValueError("must be an https URL with a host in lower case, without user or #")
        if not is_secure(urlsplit(url)):
            raise ValueError("must be an https URL (http only on loopback)")
        rest = parts["target"].replace(PLACE, "", 1)
        if rest == parts["target"] or "{" in rest or "}" in rest:
            raise ValueError("must have {ticket} once, in its path or query, and no other braces")
        port = int(parts["port"] or _PORTS[parts["scheme"]])
        if not 1 <= port <= 65535:
            raise ValueError("must have a port from 1 to 65535")
        return cls(scheme=parts["scheme"], host=parts["host"], port=port, template=parts["target"])

    def target(self, ticket_id: TicketId) -> str:
        """Path and query for one ticket."""
        return self.template.replace(PLACE, quote(ticket_id, safe=""))

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let settings name the type."""
        return core_schema.no_info_after_validator_function(cls.parse, core_schema.str_schema())
