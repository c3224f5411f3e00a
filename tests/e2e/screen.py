"""A terminal of its own for a program: what a person would see, and what they would type."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.programs import PATIENCE

_CONTROLLING = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Makes its standard input the controlling terminal, and becomes the program."""

_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-B0-2]|\x1b[=>]|\r")


RUNS = (
    'import signal, time; signal.signal(2, 0); print(40 + 2, "runs", flush=True); time.sleep(1e6)'
)
"""Python that ends at Ctrl-C once it says that it runs; a shell may miss one before that."""


class Screen:
    """A program in a terminal. A context manager that closes it, as one closes the window.

    Standard output goes there too, unless `output` is a file for it.
    """

    def __init__(
        self,
        *command: str,
        home: Path,
        environment: Mapping[str, str],
        output: Path | None = None,
    ) -> None:
        own = str(Path(sys.executable).parent)
        self._ours, theirs = pty.openpty()
        sink = theirs if output is None else os.open(output, os.O_CREAT | os.O_WRONLY, 0o600)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CONTROLLING, *command],
            stdin=theirs,
            stdout=sink,
            stderr=theirs,
            env={
                "PATH": f"{own}:{os.environ['PATH']}",
                "HOME": str(home),
                "TERM": "xterm",
                "PS1": "$ ",
                # Nobody answers here where the cursor is.
                "PROMPT_TOOLKIT_NO_CPR": "1",
                **environment,
            },
            cwd=home,
            start_new_session=True,
        )
        os.close(theirs)
        if output is not None:
            os.close(sink)
        self._seen = ""
        self._read_to = 0

    def see(self, text: str) -> str:
        """Wait for `text` behind what was seen last; what stood before it."""
        deadline = time.monotonic() + PATIENCE
        while (found := self._plain().find(text, self._read_to)) < 0:
            over = self.process.poll() is not None
            self._read()
            unseen = self._plain()[self._read_to :]
            assert text in unseen or (not over and time.monotonic() < deadline), unseen
        before = self._plain()[self._read_to : found]
        self._read_to = found + len(text)
        return before

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._ours, text.encode())

    def ended(self) -> int:
        """Wait for the program's end; its return code as `subprocess` has it."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self._plain()[self._read_to :]
            self._read()
        self._read()
        return self.process.returncode

    def everything(self) -> str:
        """All that was shown so far."""
        return self._plain()

    def _plain(self) -> str:
        return _STEERING.sub("", self._seen)

    def _read(self) -> None:
        ready, _, _ = select.select([self._ours], [], [], 0.1)
        if ready:
            try:
                self._seen += os.read(self._ours, 65536).decode(errors="replace")
            except OSError:  # Linux says EIO where nobody has the other end open any more.
                self.process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._ours)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
