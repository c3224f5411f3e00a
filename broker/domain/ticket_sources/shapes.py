"""Which shapes of answers are understood, and how each is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from broker.domain.ticket_sources import jira, plain, zendesk
from broker.domain.ticket_sources.reading import Asked, Mapped, Told

Read = Callable[[object, Asked, Mapped], Told]


class Shape(StrEnum):
    """Whose answers these are."""

    PLAIN = "plain"
    ZENDESK = "zendesk"
    JIRA = "jira"

    @property
    def read(self) -> Read:
        """From an answer's JSON to the ticket; raises Unreadable."""
        return {Shape.PLAIN: plain.read, Shape.ZENDESK: zendesk.read, Shape.JIRA: jira.read}[self]

    def objection(self, accounts_field: str) -> str | None:
        """What is wrong with the name of the field that holds account ids; None if nothing is."""
        match self:
            case Shape.PLAIN if accounts_field:
                return "is for zendesk and jira; a plain ticket has account_ids"
            case Shape.ZENDESK if re.fullmatch(r"[0-9]{1,20}", accounts_field) is None:
                return "must be the number of a ticket field, for zendesk"
            case Shape.JIRA if re.fullmatch(r"customfield_[0-9]{1,10}", accounts_field) is None:
                return "must be the id of a custom field, like customfield_10042, for jira"
            case _:
                return None
