"""The one form of a page, as somebody meets it who clicks on it."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser


def fields_of(page: str) -> Mapping[str, str]:
    """What the form of a page holds before anybody clicks; nothing, where there is no form."""
    form = _Form()
    form.feed(page)
    return form.fields


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        members = dict(attrs)
        if tag == "input" and members.get("name"):
            self.fields[str(members["name"])] = members.get("value") or ""
