"""What others wrote, as a line that a terminal can only show."""

from __future__ import annotations

import json


def plain(text: str) -> str:
    """`text` with a blank for whatever would move, colour, hide or turn round what is shown.

    Escape sequences begin with a control character (also one of those above 0x7f), and without it
    are only letters; line breaks and characters that format, such as those that change the
    direction of writing, are no letters of a line either.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else " " for each in text)


def plain_json(document: str) -> str:
    """A JSON document that says the same, with escapes for what `plain` would take out of it."""
    if document.isprintable():
        return document
    return "".join(
        each if each.isprintable() or each in "\n " else json.dumps(each)[1:-1] for each in document
    )
