"""`python -m tests.browser.screenshots`: pictures of every page, and the page that shows them.

Each sight is taken in the light, in the dark and on a phone, from the same world that the tests
look at, so that docs/pages.md shows what there is.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from tests.browser.chromium import running_chromium
from tests.browser.exhibits import arranged
from tests.browser.office import Office, opened
from tests.browser.pages import LOOKS, SIGHTS, Look, Sight
from tests.browser.visitors import Visitors

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "screenshots"
PAGE = DOCS / "pages.md"
TALLEST = 2400
"""Pixels; what is below is no more than further rows."""


def picture(sight: Sight, look: Look) -> str:
    """The name of its file."""
    return f"{sight.name}-{look.name}.png"


def document() -> str:
    """docs/pages.md."""
    parts = [_section(sight) for sight in SIGHTS]
    return "\n".join([_HEAD, *parts])


def _section(sight: Sight) -> str:
    light, dark, phone = (f"screenshots/{picture(sight, look)}" for look in LOOKS)
    title = sight.name.replace("-", " ")
    return f"""## {title}

`{sight.route}`: {sight.sentence}

![{title}]({light})

[in the dark]({dark}) · [on a phone]({phone})
"""


_HEAD = """# The pages

Made by `make screenshots`, from the world that the browser tests look at. Do not edit.
"""


def take(visitors: Visitors, office: Office, folder: Path) -> None:
    """Take every picture, into `folder`."""
    exhibits = arranged(office)
    for sight in SIGHTS:
        for look in LOOKS:
            with ExitStack() as visit:
                visitor = Visitors(visitors.browser, office, visitors.watch, visit)
                page = visitor.at(sight, exhibits, **look.options()).page
                width, height = look.width, _height(page.evaluate(_CONTENT_HEIGHT), look)
                page.set_viewport_size({"width": width, "height": height})
                page.screenshot(path=folder / picture(sight, look), animations="disabled")
            click.echo(picture(sight, look))


_CONTENT_HEIGHT = "document.documentElement.scrollHeight"


def _height(content: int, look: Look) -> int:
    return min(max(content, look.height), TALLEST)


@click.command()
def main() -> None:
    """Take every picture anew and write docs/pages.md."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder)) as office,
        running_chromium() as browser,
        ExitStack() as stack,
    ):
        take(Visitors(browser, office, office.watch(), stack), office, FOLDER)
    PAGE.write_text(document())
    for old in set(FOLDER.glob("*.png")) - {FOLDER / picture(s, k) for s in SIGHTS for k in LOOKS}:
        old.unlink()


if __name__ == "__main__":
    main()
