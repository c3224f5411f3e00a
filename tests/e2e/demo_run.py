"""A demo as a process: started, listened to, signalled, and looked for when it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from broker.cli.demo.stage import command

PATIENCE = 420.0
"""Seconds for a whole demo on a busy machine."""

_MARK = "STARTED_BY_TEST"

ANY_PORTS = ("--port", "0", "--sandbox-port", "0")


@dataclass(frozen=True)
class DemoRun:
    """A running demo whose output is a pipe; every process it starts can be recognised."""

    process: subprocess.Popen[str]
    folder: Path
    mark: str

    def wait_for(self, words: str) -> list[str]:
        """The lines up to and including the first one with `words` in it."""
        lines = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if words in line:
                return lines
        raise AssertionError(f"It ended without saying {words!r}:\n" + "\n".join(lines))

    def signal(self, number: signal.Signals) -> None:
        """Send the demo itself a signal, and nobody else."""
        self.process.send_signal(number)

    def end(self) -> tuple[int, list[str]]:
        """The exit status, and the lines that were not read yet."""
        output, _ = self.process.communicate()
        return self.process.returncode, output.splitlines()

    def left_behind(self) -> list[str]:
        """Every process still there that the demo started, by itself or through another one.

        They share the environment, except for the store's server, which works in the folder.
        """
        return [
            description
            for process in Path("/proc").iterdir()
            if process.name.isdecimal() and (description := self._ours(process))
        ]

    def _ours(self, process: Path) -> str | None:
        # Processes end while they are looked at.
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            marked = self.mark.encode() in (process / "environ").read_bytes()
            if marked or (process / "cwd").readlink().is_relative_to(self.folder):
                return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return None

    def await_nothing_left(self) -> None:
        """Return when the last process is gone; fail if that takes too long."""
        deadline = time.monotonic() + PATIENCE
        while left := self.left_behind():
            assert time.monotonic() < deadline, left
            time.sleep(0.02)


@contextmanager
def demo_run(words: Sequence[str], folder: Path) -> Iterator[DemoRun]:
    """Run a command that is, or plays, a demo in `folder`; kill it if it takes too long."""
    mark = uuid.uuid4().hex
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BROKER_", "AWS_", "DEMO_"))
    }
    process = subprocess.Popen(
        words,
        env={**environment, _MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    guard = threading.Timer(PATIENCE, process.kill)
    guard.start()
    try:
        yield DemoRun(process, folder, mark)
    finally:
        guard.cancel()
        process.kill()
        with process:  # closes its pipe and collects it
            pass


def broker_demo(folder: Path, *options: str) -> list[str]:
    """The words of the real command."""
    return [str(command("broker")), "demo", "--folder", str(folder), *ANY_PORTS, *options]


def short_demo(folder: Path, chapter: str, *, afterwards: str = "STOP") -> list[str]:
    """A demo with a story of one chapter: the generator function `steps` that `chapter` defines."""
    program = f"""
import sys
from pathlib import Path
from broker.cli.demo.performance import Afterwards, Place, perform
from broker.cli.demo.steps import Step
from broker.cli.demo.story import Chapter
from broker.cli.demo.telling import Telling

{chapter}

sys.exit(
    perform(
        (Chapter("A chapter of a test", steps),),
        place=Place(folder=Path({str(folder)!r}), port=0, sandbox_port=0),
        afterwards=Afterwards.{afterwards},
        telling=Telling.on_standard_output(),
    )
)
"""
    return [sys.executable, "-c", program]
