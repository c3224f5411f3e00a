"""The broker's own services on its machine, and who works on them from the command line."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import closing, contextmanager

from broker import settings
from broker.domain.identity.permissions import Caller, Role
from broker.services.calls import Call
from broker.services.observations import Unobserved
from broker.wiring import Services, build


@contextmanager
def services_here() -> Iterator[Services]:
    """All services, by the settings in the environment; raises ConfigurationError."""
    with closing(build(settings.load(), Unobserved())) as services:
        yield services


def operators_call() -> Call:
    """A call of the person at the machine, as the operating system knows them."""
    caller = Caller(subject=f"operator:{getpass.getuser()}", roles=frozenset({Role.ADMIN}))
    return Call(caller=caller, request_id="command-line", source_address="local")
