"""What holds for all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# How long an example takes is the machine's affair; no test asserts it.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# A shell that runs the tests in the background has them ignore these signals, and every program
# that they start would inherit that: those of `broker exec` are there to be interrupted.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler)
