"""Which part of moto answers a host."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app


class Dispatcher(DomainDispatcherApplication):
    """moto's own, but for a host that it knows it does not read its folder again.

    moto lists the folder of its services, and asks of each whether it is one, at every request.
    """

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._known = lru_cache(maxsize=1024)(super().get_backend_for_host)

    def get_backend_for_host(self, host: str | None) -> Any:
        """The name of the part, or None."""
        return self._known(host)
