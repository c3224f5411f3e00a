"""No command leaves its memory behind: credentials, sign-ins and API tokens are in it.

A core dump is a file that outlives them. Where a program collects crashes, the kernel hands the
memory to that whatever the limit for core files says, so the process itself is marked.
"""

from __future__ import annotations

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4
"""Source: prctl(2). Ends at execve(2), so what a command starts is as the user wants it."""


def forbid_core_dumps() -> None:
    """From here on this process leaves no core, and only root may look into its memory.

    Where there is no such mark the limit says so, which programs that it starts have as well.
    """
    if not _is_marked():
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _is_marked() -> bool:
    if sys.platform != "linux":
        return False
    answer: int = ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return answer == 0
