"""Files that settings name: read whole, of bounded size, and private where they hold secrets."""

from __future__ import annotations

import os
import stat
from enum import Enum
from pathlib import Path

LARGEST = 1024 * 1024


class Holds(Enum):
    """What a file holds, and so who may read it."""

    NO_SECRETS = "no secrets"
    SECRETS = "secrets"


def text_of(path: str, *, holds: Holds) -> str:
    """The text of a TOML file. Raises ValueError with what is wrong, and nothing that it says."""
    try:
        with Path(path).open("rb") as file:
            if holds is Holds.SECRETS and os.fstat(file.fileno()).st_mode & stat.S_IRWXO:
                raise ValueError(
                    "names a file that every user may read, and it holds secrets: chmod 600"
                )
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise ValueError("names a file of more than 1 MiB")
        return text.decode("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise ValueError("must name a readable file of TOML in UTF-8") from e
