"""docs/pages.md shows every page that there is, and nothing else."""

from __future__ import annotations

from tests.browser.screenshots import FOLDER, PAGE, document, pictures

LARGEST = 150_000
"""Bytes; whoever clones the repository takes all of them along."""


def test_every_page_is_shown() -> None:
    """`make screenshots` was run since the last page came, and its pictures are small."""
    assert PAGE.read_text() == document()
    assert {path.name for path in FOLDER.iterdir()} == pictures()
    assert not [path.name for path in FOLDER.iterdir() if path.stat().st_size > LARGEST]
