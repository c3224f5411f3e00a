"""Deque's axe-core, an independent judge of how usable a page is to everybody."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_SOURCE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"
_GRAVE = frozenset({"serious", "critical"})


@cache
def _source() -> str:
    return _SOURCE.read_text()


def grave_findings(page: Page) -> Sequence[str]:
    """What is serious or critical on `page`, each with its rule and where it stands.

    The page's context must bypass its policy, which lets no script in from outside, and so is
    no context to watch the policy in.
    """
    page.evaluate(_source())
    result: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert result["passes"], "axe has looked at nothing"
    return [
        f"{finding['id']}: {node['html']} ({node['failureSummary']})"
        for finding in result["violations"]
        if finding["impact"] in _GRAVE
        for node in finding["nodes"]
    ]
