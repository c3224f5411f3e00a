"""The Lua scripts: each is one atomic step of the store, known to the server by its SHA-1.

Sending any of them twice has the effect of sending it once; `broker.store.connection` relies on it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and the SHA-1 under which the server caches it."""

    source: str
    sha: str


@cache
def script(name: str) -> Script:
    """The script in `lua/<name>.lua`, read once a process."""
    source = resources.files("broker.store").joinpath("lua", f"{name}.lua").read_text("utf-8")
    sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    return Script(source=source, sha=sha)
