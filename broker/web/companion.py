"""The `broker worker` that runs beside gunicorn's web workers, started again whenever it ends.

gunicorn's master stays what `broker serve` becomes, so that signals and exit status are its own. It
cannot watch another child, since it collects the status of every child itself. So it starts a
keeper (this module, run as a program), which starts the worker. Both hold one end of a pipe, the
lifeline, whose other end only the master holds: when it closes, because the master stops or was
killed, they end too, on every kind of Unix.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import structlog

from broker import logs, settings
from broker.services.background.alarm import Alarm

PAUSE = 5.0
"""Seconds before a worker that ended is started again: one that cannot start must not spin."""

GRACE = 40.0
"""Seconds that a stop waits for the worker: more than that gives to the tasks under way."""

_log = structlog.get_logger("broker.web.companion")


class Companion:
    """The keeper, as its parent sees it."""

    def __init__(self) -> None:
        self._lifeline: int | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the keeper, and with it the worker."""
        theirs, self._lifeline = os.pipe()
        try:
            self._keeper = subprocess.Popen(  # noqa: S603 - our own module, no outside input
                [sys.executable, "-m", __name__, str(theirs)], pass_fds=(theirs,)
            )
        finally:
            os.close(theirs)

    def let_go(self) -> None:
        """Close a forked process's copy of the lifeline, so that it hangs on the parent alone."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    def stop(self) -> None:
        """Cut the lifeline, and wait until the worker has finished what it had begun."""
        self.let_go()
        if self._keeper is not None:
            with suppress(subprocess.TimeoutExpired):
                self._keeper.wait(GRACE)


class Keeper:
    """Runs a worker, again and again, until it is told to stop or the lifeline is cut."""

    def __init__(self, lifeline: int, *, command: Sequence[str], pause: float = PAUSE) -> None:
        """`command` is given the option `--lifeline` and the descriptor's number."""
        self._lifeline = lifeline
        self._command = command
        self._pause = pause
        self._alarm = Alarm()
        self._worker: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        """Return when no worker runs and none shall run."""
        threading.Thread(target=self._watch, daemon=True).start()
        while not self._alarm.stopping:
            status = self._run_worker()
            if not self._alarm.stopping:
                _log.error("worker_ended", status=status, again_after=self._pause)
                self._alarm.wait(self._pause)

    def stop(self) -> None:
        """Let the worker finish what it has begun, and start no other."""
        self._alarm.stop()
        if self._worker is not None:
            self._worker.terminate()

    def _run_worker(self) -> int:
        """The exit status of a worker that is started now."""
        self._worker = self._started()
        if self._alarm.stopping:  # Said while it was being started: `stop` did not see it.
            self._worker.terminate()
        return self._worker.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own command, no outside input
            [*self._command, "--lifeline", str(self._lifeline)], pass_fds=(self._lifeline,)
        )

    def _watch(self) -> None:
        os.read(self._lifeline, 1)
        self.stop()


def main() -> None:
    """Keep a worker, with the lifeline in the descriptor that the first argument names."""
    logs.configure(settings.load().log_level)
    broker = Path(sys.executable).with_name("broker")
    keeper = Keeper(int(sys.argv[1]), command=[str(broker), "worker"])

    def stop(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        keeper.stop()

    # A terminal or a service manager signals the whole group: then nothing is started anew.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    keeper.keep()


if __name__ == "__main__":
    main()
