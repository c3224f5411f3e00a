"""A program that answers each line it is given with a line, for as long as the test likes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.programs import PATIENCE


class Talking:
    """The running program."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def answer(self, line: str = "") -> str:
        """What it says to a line."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def ended(self) -> tuple[int, str]:
        """Its exit code once it has read all, and all that it said on standard error."""
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err


@contextmanager
def talking(*command: str, home: Path, environment: Mapping[str, str]) -> Iterator[Talking]:
    """Start it with nothing in its environment but what is given, `PATH` and `HOME`."""
    own = str(Path(sys.executable).parent)
    with subprocess.Popen(
        command,
        env={"PATH": f"{own}:{os.environ['PATH']}", "HOME": str(home), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
    ) as process:
        try:
            yield Talking(process)
        finally:
            if process.poll() is None:
                process.kill()
