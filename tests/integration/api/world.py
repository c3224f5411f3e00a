"""The world that the API's tests share: sandbox, a broker under gunicorn, another in this process.

Both brokers work on one embedded store, as two processes of one machine would; so what is asked
here is answered as it would be over there, but with every part within reach.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import httpx
from redis import Redis

from broker.cli.demo.stage import Customer, Stage
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import BROKER_CHAIN, Chain, LedgerAction, LedgerEntry, Outcome
from broker.domain.ports import Save
from broker.domain.times import rfc3339
from broker.services.calls import Call
from broker.services.identity.api_tokens import NewApiToken
from broker.web.application import create_app
from broker.web.metrics import Metrics
from broker.wiring import Services

ACCOUNT, OTHER, ASKING, UNREADY = "111122223333", "444455556666", "777788889999", "222200001111"
"""Onboarded with standing consent, likewise, onboarded with consent per grant, registered only."""

NOWHERE = "999999999999"
"""Registered by nobody."""

TICKET = "CASE-1001"
"""An open ticket for all four accounts, assigned to nobody in particular."""

IN_A_MONTH = rfc3339(datetime.now(UTC).replace(microsecond=0) + timedelta(days=30))
"""When API tokens expire that are made over the API."""

ENGINEER = "ann@vendor.example"

CALLERS: Mapping[str, tuple[tuple[Role, ...], tuple[str, ...]]] = {
    "admin": ((Role.ADMIN,), ()),
    "console": ((Role.CONSOLE,), ()),
    ENGINEER: ((Role.ENGINEER,), ()),
    "approver": ((Role.APPROVER,), ()),
    "customer": ((Role.CUSTOMER,), (ACCOUNT, ASKING)),
    "other-customer": ((Role.CUSTOMER,), (OTHER,)),
    "auditor": ((Role.AUDITOR,), ()),
}
"""By the subject of their API tokens: their roles and the accounts that they are bound to."""

_DIGESTS = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  table.insert(found, key)
  table.insert(found, redis.sha1hex(redis.call('DUMP', key)))
end
return found
"""

_OF_EVERY_REQUEST = re.compile(
    rb"brk:\{broker\}:(window|acceptance|api-token-uses|tallies|browser-session)(:|$)"
)

OPERATOR = Call(
    caller=Caller(subject="operator:tests", roles=frozenset({Role.ADMIN})),
    request_id="tests",
    source_address="local",
)


@dataclass(kw_only=True)
class World:
    """The stage, the services of the broker in this process, and everybody's API token."""

    stage: Stage
    services: Services
    customers: dict[str, Customer] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    _clients: dict[tuple[str, str], httpx.Client] = field(default_factory=dict)
    _read: dict[str | None, list[LedgerEntry]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def over_http(self, subject: str) -> httpx.Client:
        """A client of the broker under gunicorn."""
        return self._client("http", subject, lambda: self.stage.client(self.secrets[subject]))

    def inside(self, subject: str) -> httpx.Client:
        """A client of the broker in this process."""
        return self._client("inside", subject, lambda: self.inside_of(self.services, subject))

    def inside_of(self, services: Services, subject: str) -> httpx.Client:
        """A client of an application made of these services."""
        return client_of(services, self.secrets[subject])

    def _client(self, where: str, subject: str, make: Any) -> httpx.Client:
        with self._lock:
            if (where, subject) not in self._clients:
                self._clients[where, subject] = make()
            return self._clients[where, subject]

    def add_caller(
        self,
        subject: str,
        *roles: Role,
        accounts: tuple[str, ...] = (),
        valid: timedelta = timedelta(days=1),
    ) -> str:
        """A new API token; `valid` may have passed already. Returns its id.

        Whoever had one before is with the new one from now on.
        """
        for where in ("http", "inside"):
            if (before := self._clients.pop((where, subject), None)) is not None:
                before.close()
        back = timedelta(days=1)
        tokens = replace(self.services.api_tokens, clock=lambda: datetime.now(UTC) - back)
        token, self.secrets[subject] = tokens.issue(
            NewApiToken(
                subject=subject,
                roles=roles,
                account_ids=[AccountId.parse(account) for account in accounts],
                expires_at=datetime.now(UTC) + valid,
            ),
            OPERATOR,
        )
        return token.token_id

    def token_id(self, subject: str) -> str:
        """The id of the API token with which somebody is in this world."""
        return self.secrets[subject].split("_")[1]

    def unbind(self, token_id: str) -> None:
        """Take an API token's accounts away behind the broker's back: it makes no such customer."""
        store = self.services.store
        stored = store.api_tokens.get(token_id)
        assert stored is not None
        unbound = replace(stored.record, account_ids=())
        event = OPERATOR.event(LedgerAction.API_TOKEN_CREATED, Outcome.DONE)
        saves = [Save(unbound, stored.version)]
        store.journal.record(BROKER_CHAIN, event, now=unbound.created_at, saves=saves)

    def write_ticket(self, ticket: str, *accounts: str, **members: Any) -> None:
        """Tell the broker of a ticket."""
        body = {"account_ids": list(accounts), "status": "open", **members}
        self.inside("console").put(f"/v1/tickets/{ticket}", json=body).raise_for_status()

    def session(self, client: httpx.Client, **members: Any) -> httpx.Response:
        """Ask for a session for the usual account and ticket, with these members on top."""
        body = {"account_id": ACCOUNT, "ticket": TICKET, "reason": "to look", **members}
        return client.post("/v1/sessions", json=body)

    def ledger(self, account_id: str | None = None) -> list[LedgerEntry]:
        """The whole of a chain, read through the API of the broker in this process.

        An entry never changes, so what was read before is not asked for again.
        """
        query = {} if account_id is None else {"account_id": account_id}
        read = self._read.get(account_id, [])
        if read:
            query["cursor"] = str(read[-1].seq)
        found = pages(self.inside("auditor"), "/v1/ledger", limit=200, **query)
        new = [LedgerEntry(**{**entry, "chain": Chain(entry["chain"])}) for entry in found]
        self._read[account_id] = [*read, *new]
        return [*read, *new]

    @cached_property
    def redis(self) -> Redis:
        """The store's server itself, on its socket."""
        return Redis(unix_socket_path=f"{self.stage.folder}/store/store.sock", protocol=2)

    def state(self) -> dict[bytes, bytes]:
        """A digest of the value of every key of the store: what has changed, in one round trip.

        Without what is counted and noted of every request, whatever it asks for.
        """
        flat = self.redis.eval(_DIGESTS, 0)
        digests = dict(zip(flat[::2], flat[1::2], strict=True))
        return {key: value for key, value in digests.items() if not _OF_EVERY_REQUEST.match(key)}

    def dump(self) -> dict[bytes, object]:
        """Every key of the store with its whole value."""
        return {key: self._value(key) for key in sorted(self.redis.scan_iter(count=1000))}

    def _value(self, key: bytes) -> object:
        match self.redis.type(key):
            case b"string":
                return self.redis.get(key)
            case b"hash":
                return self.redis.hgetall(key)
            case b"list":
                return self.redis.lrange(key, 0, -1)
            case b"zset":
                return self.redis.zrange(key, 0, -1, withscores=True)
            case b"stream":
                return self.redis.xrange(key)
            case b"none":
                return None
        raise AssertionError(f"{key!r} has a type that the store should not use")

    def close(self) -> None:
        """Close every client."""
        for client in self._clients.values():
            client.close()
        self.redis.close()


def client_of(services: Services, secret: str) -> httpx.Client:
    """A client of an application made of these services, in this process."""
    return httpx.Client(
        transport=httpx.WSGITransport(app=create_app(services, Metrics())),
        base_url="http://broker.test",
        headers={"Authorization": f"Bearer {secret}"},
    )


def pages(client: httpx.Client, path: str, **query: Any) -> Iterator[dict[str, Any]]:
    """Every item of a list, part by part."""
    cursor = {}
    while True:
        answer = client.get(path, params={**query, **cursor}).raise_for_status().json()
        yield from answer["items"]
        if answer["next"] is None:
            return
        cursor = {"cursor": answer["next"]}


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document (RFC 9457) of an answer that must be one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    problem = answer.json()
    assert problem.keys() >= {"type", "title", "status", "code", "detail", "request_id"}
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert len(problem["detail"].split()) >= 3
    assert problem["detail"].endswith((".", ")")), problem["detail"]
    return dict(problem)


def answered(answer: httpx.Response, status: int) -> Any:
    """The JSON of an answer that must not be stored by anybody on the way."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch(r"[0-9a-f]{24}", answer.headers["X-Request-Id"])
    return answer.json()
