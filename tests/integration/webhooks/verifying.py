"""The receiver's side as the README shows it, taken from there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_README = Path(__file__).parents[3] / "README.md"


def event_of() -> Callable[..., Any]:
    """The function that the README gives to receivers."""
    blocks = re.findall(r"^```python\n(.*?)^```", _README.read_text(), re.DOTALL | re.MULTILINE)
    (block,) = (block for block in blocks if "def event_of(" in block)
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - our own documentation
    function: Callable[..., Any] = names["event_of"]
    return function
