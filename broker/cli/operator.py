"""Who works on the broker's own services from the command line."""

from __future__ import annotations

import getpass

from broker.domain.permissions import Caller, Role
from broker.services.calls import Call


def operators_call() -> Call:
    """A call of the person at the machine, as the operating system knows them."""
    caller = Caller(subject=f"operator:{getpass.getuser()}", roles=frozenset({Role.ADMIN}))
    return Call(caller=caller, request_id="command-line", source_address="local")
