"""A browser whose user clicks on their name: `BROWSER="python clicking_browser.py jane %s"`.

It follows redirects and sends the one form that the sandbox's sign-in page shows.
"""

from __future__ import annotations

import sys

import httpx

from broker.cli.demo.forms import fields_of


def visit(login: str, url: str) -> None:
    """Go where the address leads, and sign in where one is asked to."""
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=60) as browser:
        page = browser.get(url)
        fields = fields_of(page.text)
        if fields and "user_code" not in fields:
            browser.post(page.url, data={**fields, "person": login}).raise_for_status()


if __name__ == "__main__":
    visit(*sys.argv[1:])
