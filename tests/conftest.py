"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes is the machine's affair; no test asserts it.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
