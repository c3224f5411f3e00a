"""COMMAND as a child that behaves as if the shell had started it: signals, stops, its end.

It stays in our process group, so what the terminal sends reaches it without us. We hold every such
signal back from ourselves, pass on what was sent to us alone, and stop and end as it does.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import click

_HELD = frozenset(
    {
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
        signal.SIGCONT,
        signal.SIGTSTP,
        signal.SIGTTIN,
        signal.SIGTTOU,
        signal.SIGCHLD,
    }
)
_FROM_THE_TERMINAL = frozenset(
    {
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGWINCH,
        signal.SIGTSTP,
        signal.SIGTTIN,
        signal.SIGTTOU,
    }
)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)

Mask = set[signal.Signals]


class NoSuchCommand(click.ClickException):
    """COMMAND is not there; ends as a shell would."""

    exit_code = 127


class CannotRun(click.ClickException):
    """COMMAND is there, and is no program that we may run; ends as a shell would."""

    exit_code = 126


@contextmanager
def signals_held() -> Iterator[Mask]:
    """Hold signals back, in this thread and those that it starts; gives the mask from before."""
    for ignored in (signal.SIGCHLD, signal.SIGWINCH, signal.SIGCONT):
        # What would be ignored is not kept for us everywhere, unless somebody handles it.
        signal.signal(ignored, lambda *_: None)
    before: Mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)  # type: ignore[assignment]
    try:
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start(command: Sequence[str], environment: dict[str, str], *, mask: Mask) -> int:
    """The process id of COMMAND, with signals as before us. Raises NoSuchCommand, CannotRun."""
    name = command[0]
    try:
        return os.posix_spawnp(
            name, list(command), environment, setsigmask=mask, setsigdef=_IGNORED_BY_PYTHON
        )
    except FileNotFoundError as e:
        raise NoSuchCommand(f"{name}: there is no such command.") from e
    except OSError as e:
        why = os.strerror(e.errno or 0)
        raise CannotRun(f"{name} cannot be run: {why}.") from e


def outlived(pid: int) -> int:
    """Wait until COMMAND has ended, whatever is sent to us meanwhile; its wait status."""
    while True:
        received, by_a_process = _received()
        if received is signal.SIGCHLD:
            status = _news_of(pid)
            if status is not None:
                return status
        elif by_a_process:
            with suppress(ProcessLookupError):
                os.kill(pid, received)


def end_like(status: int) -> None:
    """End with COMMAND's exit code, or by the signal that ended it, which shells tell as 128+n."""
    if not os.WIFSIGNALED(status):
        sys.exit(os.WEXITSTATUS(status))
    ended_by = os.WTERMSIG(status)
    with suppress(OSError, ValueError):  # SIGKILL has no handler to be set.
        signal.signal(ended_by, signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    os.kill(os.getpid(), ended_by)
    sys.exit(128 + ended_by)


def _received() -> tuple[signal.Signals, bool]:
    """The next signal, and whether a process sent it to us; the kernel tells all of the group."""
    if sys.platform == "darwin":
        received = signal.Signals(signal.sigwait(_HELD))
        return received, received not in _FROM_THE_TERMINAL
    told = signal.sigwaitinfo(_HELD)
    return signal.Signals(told.si_signo), told.si_code <= 0


def _news_of(pid: int) -> int | None:
    """The wait status once it has ended. Where it was stopped we stop too, until we are woken."""
    while True:
        changed, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if changed == 0:
            return None
        if not os.WIFSTOPPED(status):
            return status
        os.kill(os.getpid(), signal.SIGSTOP)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
