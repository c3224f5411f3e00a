"""Lengths of time on the command line."""

from __future__ import annotations

import re

import click

_SECONDS = re.compile(r"[0-9]{1,9}")
_PARTS = re.compile(r"(?=[0-9])(?:([0-9]{1,5})h)?(?:([0-9]{1,7})m)?(?:([0-9]{1,9})s)?", re.I)


class Length(click.ParamType[int]):
    """A length of time in whole seconds, typed as `1h`, `90m`, `1h30m`, `45s` or `3600`."""

    name = "length"

    def __init__(self, *, least: int = 0) -> None:
        """`least` is the shortest that is taken, in seconds."""
        self._least = least

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The seconds. A profile has them as a number."""
        seconds = value if isinstance(value, int) else _parsed(value)
        if seconds is None:
            self.fail(f"{value!r} is no length of time: write 1h, 90m or 3600.", param, ctx)
        if seconds < self._least:
            self.fail(f"{value} is shorter than {_written(self._least)}.", param, ctx)
        return seconds


def _parsed(text: str) -> int | None:
    if _SECONDS.fullmatch(text):
        return int(text)
    parts = _PARTS.fullmatch(text)
    if parts is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return (hours * 60 + minutes) * 60 + seconds


def _written(seconds: int) -> str:
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"
