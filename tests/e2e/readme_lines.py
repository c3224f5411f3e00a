"""The command lines of the README, as a reader copies them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"

_SHELLS = ("", "sh", "bash", "shell", "console")
_PROGRAMS = ("broker ", "aws ", "eval ", "make ", "curl ", ". ", "export ", "unset ")
_DIAGRAM = re.compile(r"[─│▲▼►┌└┴┬┤]")


@dataclass(frozen=True)
class Fence:
    """A block that a reader pastes into a shell, line by line; `line` is where it begins."""

    line: int
    heading: str
    lines: Sequence[str]

    def __str__(self) -> str:
        return f"{self.heading}, line {self.line}"


def fences(text: str) -> Sequence[Fence]:
    """The blocks for a shell: those that name no language, or a shell. No diagrams."""
    return [fence for fence in _fences(text) if not _DIAGRAM.search("".join(fence.lines))]


def is_a_call(line: str) -> bool:
    """Whether a shell's reader knows what to do with it: a program that we know."""
    return line.startswith(_PROGRAMS)


def _fences(text: str) -> Iterator[Fence]:
    heading, begun, language, inside = "", 0, "", False
    gathered: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("```") and not inside:
            begun, language, inside = number, line.removeprefix("```").strip(), True
            gathered = []
        elif line.startswith("```"):
            inside = False
            if language in _SHELLS:
                yield Fence(begun, heading, tuple(_joined(gathered)))
        elif inside:
            gathered.append(line)
        elif line.startswith("#"):
            heading = line.lstrip("# ")


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Lines that go on behind a backslash are one."""
    whole = ""
    for line in lines:
        whole += line
        if whole.endswith("\\"):
            whole = whole[:-1]
        elif whole.strip():
            yield " ".join(whole.split()) if "  -" in whole else whole
            whole = ""
        else:
            whole = ""
