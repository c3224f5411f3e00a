"""What a command holds in its memory stays there, even if it crashes."""

from __future__ import annotations

import subprocess
import sys

_GET_DUMPABLE = 3
"""Source: prctl(2), PR_GET_DUMPABLE."""

_MARK = f"ctypes.CDLL(None).prctl({_GET_DUMPABLE}, 0, 0, 0, 0)"


def _printed(program: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return ran.stdout


def test_no_command_can_leave_a_core() -> None:
    """Marked before anything else happens, whichever command it is."""
    told = _printed(
        "import atexit, ctypes, sys; from broker.cli import main; "
        f"atexit.register(lambda: print('mark', {_MARK})); sys.argv[1:] = ['--version']; main()"
    )
    assert told.splitlines()[-1] == "mark 0"


def test_what_it_starts_is_as_the_user_wants_it() -> None:
    """The mark ends where another program begins, and the user's limit is left alone."""
    asks = f"import ctypes, resource; print({_MARK}, resource.getrlimit(resource.RLIMIT_CORE)[0])"
    told = _printed(
        "import resource, subprocess, sys; from broker.cli.core_dumps import forbid_core_dumps; "
        "hard = resource.getrlimit(resource.RLIMIT_CORE)[1]; "
        "resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)); "
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True); forbid_core_dumps(); "
        f"subprocess.run([sys.executable, '-c', {asks!r}], check=True)"
    )
    before, after = told.splitlines()
    assert after == f"1 {before}"


def test_where_there_is_no_mark_the_limit_says_so() -> None:
    """As on other systems than Linux; the user may raise it again."""
    told = _printed(
        "import resource; from broker.cli import core_dumps; "
        "core_dumps._is_marked = lambda: False; "
        "before = resource.getrlimit(resource.RLIMIT_CORE); core_dumps.forbid_core_dumps(); "
        "print(resource.getrlimit(resource.RLIMIT_CORE) == (0, before[1]))"
    )
    assert told == "True\n"
