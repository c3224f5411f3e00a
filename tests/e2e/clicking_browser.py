"""A browser whose user clicks on their name: `BROWSER="python clicking_browser.py jane %s"`.

It follows redirects and sends the one form that the sandbox's sign-in page shows.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser

import httpx


class _Form(HTMLParser):
    """What the form of a page holds before anybody clicks."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        members = dict(attrs)
        if tag == "input" and members.get("name"):
            self.fields[str(members["name"])] = members.get("value") or ""


def visit(login: str, url: str) -> None:
    """Go where the address leads, and sign in where one is asked to."""
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=60) as browser:
        page = browser.get(url)
        fields = _Form(page.text).fields
        if fields and "user_code" not in fields:
            browser.post(page.url, data={**fields, "person": login}).raise_for_status()


if __name__ == "__main__":
    visit(*sys.argv[1:])
