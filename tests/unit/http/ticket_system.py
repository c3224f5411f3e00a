"""A ticket system on loopback, which answers as each test wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving import serving

Reply = tuple[int, bytes, Mapping[str, str]]

JSON = {"Content-Type": "application/json; charset=utf-8"}


def as_json(body: object, status: int = 200) -> Reply:
    """An answer with a JSON body."""
    return status, json.dumps(body).encode(), JSON


@dataclass
class TicketSystem:
    """Its tickets by id, as plain answers; `reply` takes the place of all of them."""

    port: int = 0
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    reply: Callable[[str], Reply] | None = None
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/tickets/{{ticket}}"

    def tell(self, ticket_id: str, *account_ids: str, **said: Any) -> None:
        """Let it have a ticket: open and anybody's, unless `said`."""
        ticket = {"id": ticket_id, "status": "open", "assignees": [], "subject": "Help", **said}
        self.tickets[ticket_id] = {"account_ids": list(account_ids), **ticket}

    def answer(self, path: str) -> Reply:
        if self.reply is not None:
            return self.reply(path)
        ticket = self.tickets.get(path.rpartition("/")[2])
        return as_json({"error": "not found"}, 404) if ticket is None else as_json(ticket)


@contextmanager
def ticket_system(port: int = 0) -> Iterator[TicketSystem]:
    """The system while its server runs."""
    system = TicketSystem()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            system.asked.append(self.path)
            system.headers.append(dict(self.headers))
            status, body, headers = system.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: tests read our output."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    system.port = server.server_port
    with serving(server):
        yield system
