"""The HTTP contract as models: they validate requests, shape answers and generate OpenAPI.

A subject's module is imported when it is first named, so `from broker import contract` costs a
command nothing but what it uses.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.contract import (
        accounts,
        api_tokens,
        base,
        console,
        diagnoses,
        grants,
        ledger,
        me,
        problems,
        proofs,
        revocations,
        sessions,
        sign_in,
        tickets,
        trail,
    )

__all__ = [
    "accounts",
    "api_tokens",
    "base",
    "console",
    "diagnoses",
    "grants",
    "ledger",
    "me",
    "problems",
    "proofs",
    "revocations",
    "sessions",
    "sign_in",
    "tickets",
    "trail",
]


def __getattr__(name: str) -> ModuleType:
    """The module of a subject (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
