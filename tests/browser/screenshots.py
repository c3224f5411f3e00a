"""`python -m tests.browser.screenshots`: pictures of every page, and the page that shows them.

Each sight is taken in the light, in the dark and on a phone, from the same world that the tests
look at, so that docs/pages.md shows what there is.
"""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import click
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.chromium import running_chromium
from tests.browser.exhibits import arranged
from tests.browser.office import Office, opened
from tests.browser.pages import LOOKS, SIGHTS, Look, Sight
from tests.browser.visitors import Visitors

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "screenshots"
PAGE = DOCS / "pages.md"
TALLEST = 1600
"""Pixels; what is below is no more than further rows."""

_COLOURS = 256

Colour = tuple[int, int, int]


def picture(sight: Sight, look: Look) -> str:
    """The name of its file."""
    return f"{sight.name}-{look.name}.png"


def pictures() -> set[str]:
    """The names of all of them."""
    return {picture(sight, look) for sight in SIGHTS for look in LOOKS}


def document() -> str:
    """docs/pages.md."""
    parts = [_section(sight) for sight in SIGHTS]
    return "\n".join([_HEAD, *parts])


def _section(sight: Sight) -> str:
    light, dark, phone = (f"screenshots/{picture(sight, look)}" for look in LOOKS)
    title = sight.name.replace("-", " ").capitalize()
    return f"""## {title}

`{sight.route}`: {sight.sentence}

![{title}]({light})

[in the dark]({dark}) · [on a phone]({phone})
"""


_HEAD = """# The pages

Made by `make screenshots`, from the world that the browser tests look at. Do not edit.
"""


def take(browser: Browser, office: Office, folder: Path) -> None:
    """Take every picture, into `folder`."""
    exhibits = arranged(office)
    # What changes something comes last, so that no other page tells of it.
    for sight in sorted(SIGHTS, key=lambda each: each.steps is not None):
        for look in LOOKS:
            with ExitStack() as visit:
                visitor = Visitors(browser, office, office.watch(), visit)
                page = visitor.at(sight, exhibits, **look.options()).page
                size = _size(page, look)
                page.set_viewport_size({"width": size[0], "height": size[1]})
                taken = page.screenshot(animations="disabled")
            _keep(taken, folder / picture(sight, look))
            click.echo(picture(sight, look))


def _size(page: Page, look: Look) -> tuple[int, int]:
    """As tall as the page, within bounds, so that nothing of it hangs over."""
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    return look.width, min(max(height, look.height), TALLEST)


def _keep(taken: bytes, path: Path) -> None:
    """Write it with the colours that it has most of, as they are, and the others as the nearest."""
    with Image.open(BytesIO(taken)) as opened_image:
        image = opened_image.convert("RGB")
    parts = image.tobytes()
    pixels = list(zip(parts[0::3], parts[1::3], parts[2::3], strict=True))
    counted = Counter(pixels)
    most = [colour for colour, _ in counted.most_common(_COLOURS)]
    index = {colour: _nearest(colour, most) for colour in counted}
    few = Image.frombytes("P", image.size, bytes(map(index.__getitem__, pixels)))
    few.putpalette([part for colour in most for part in colour])
    few.save(path, optimize=True)


def _nearest(colour: Colour, palette: Sequence[Colour]) -> int:
    """Its own place in the palette, or that of the colour that differs least."""
    return min(range(len(palette)), key=lambda place: math.dist(colour, palette[place]))


@click.command()
def main() -> None:
    """Take every picture anew and write docs/pages.md."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder)) as office,
        running_chromium() as browser,
    ):
        take(browser, office, FOLDER)
    PAGE.write_text(document())
    for old in {path.name for path in FOLDER.iterdir()} - pictures():
        (FOLDER / old).unlink()


if __name__ == "__main__":
    main()
