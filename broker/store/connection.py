"""The one door to the server: pooled connections, timeouts, retries and translated errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from redis import BlockingConnectionPool, Redis, UnixDomainSocketConnection
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    NoScriptError,
    RedisError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)
from redis.retry import Retry

from broker.errors import ConfigurationError, StoreUnavailable
from broker.store.embedded import EmbeddedServer, ServerFailed
from broker.store.scripts import Script

T = TypeVar("T")

ATTEMPTS = 3
"""How often an operation is tried in all when the connection fails."""

PAUSE = 0.05
"""Seconds before the second attempt; each further pause is twice as long."""

_FROM_URL = frozenset(
    {"host", "port", "username", "password", "db", "path", "connection_class", "ssl_ca_certs"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds to wait for a connection, for an answer, and for a free place in the pool."""

    connect: float = 1.0
    answer: float = 2.0
    pool: float = 2.0


class EmbeddedConnection(UnixDomainSocketConnection):
    """A connection to the embedded server, which starts it again where nobody listens any more."""

    def __init__(self, *, server: EmbeddedServer, **options: Any) -> None:
        super().__init__(path=server.socket_path, **options)  # type: ignore[no-untyped-call]
        self._server = server

    def _connect(self) -> Any:
        try:
            return super()._connect()  # type: ignore[no-untyped-call]
        except (FileNotFoundError, ConnectionRefusedError):
            pass
        try:
            self._server.ensure_running()
        except ServerFailed as e:
            raise RedisConnectionError(str(e)) from e
        return super()._connect()  # type: ignore[no-untyped-call]


Command = tuple[str | int, ...]
"""A command of the Redis protocol with its arguments."""


class Connection:
    """Sends commands to the server.

    Everything the store sends may be sent twice: reads, writes that say what shall be, and
    scripts that recognise their own effect. So a command whose answer got lost is simply sent
    again, a bounded number of times. Every method raises StoreUnavailable. Safe to use from many
    threads; build it after forking.
    """

    def __init__(
        self, pool: BlockingConnectionPool, *, server: EmbeddedServer | None = None
    ) -> None:
        self._pool = pool
        self._server = server
        self._redis = Redis(connection_pool=pool)

    def send(self, *command: str | int) -> Any:
        """The answer to one command."""
        return self.run(lambda redis: _send(redis, command))

    def send_all(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to several commands, sent together on one connection; not a transaction."""
        return self.run(lambda redis: _send_all(redis, commands)) if commands else []

    def run_script(
        self, script: Script, *, keys: Sequence[str], args: Sequence[str | int] = ()
    ) -> Any:
        """The answer of a script."""
        return self.run_script_then((), script, keys=keys, args=args)[0]

    def run_script_then(
        self,
        following: Sequence[Command],
        script: Script,
        *,
        keys: Sequence[str],
        args: Sequence[str | int] = (),
    ) -> list[Any]:
        """The answers of a script and of the commands that follow it on the same connection."""
        call = ("EVALSHA", script.sha, len(keys), *keys, *args)

        def operation(redis: Redis) -> list[Any]:
            try:
                return _send_all(redis, (call, *following))
            except NoScriptError:
                redis.script_load(script.source)
                return _send_all(redis, (call, *following))

        return self.run(operation)

    def run(self, operation: Callable[[Redis], T]) -> T:
        """What `operation` returns; it is run again where the connection fails."""
        try:
            return self._attempt(operation)
        except RedisError as e:
            raise StoreUnavailable("The store does not answer. Try again in a moment.") from e

    def _attempt(self, operation: Callable[[Redis], T]) -> T:
        for attempt in range(ATTEMPTS - 1):
            try:
                return operation(self._redis)
            except (RedisConnectionError, RedisTimeoutError):
                time.sleep(PAUSE * 2**attempt)
        return operation(self._redis)

    def close(self) -> None:
        """Close every connection and leave the embedded server; the last to leave stops it."""
        self._pool.disconnect()
        if self._server is not None:
            self._server.leave()


def _send(redis: Redis, command: Command) -> Any:
    return redis.execute_command(*command)  # type: ignore[no-untyped-call]


def _send_all(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    if len(commands) == 1:
        return [_send(redis, commands[0])]
    with redis.pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
        return pipeline.execute()


def connect(url: str, *, connections: int, timeouts: Timeouts) -> Connection:
    """A connection to the store at `url`, with at most `connections` sockets.

    `embedded:<folder>`, `redis://`, `rediss://` (server certificate verified) or `unix://`. Only
    the embedded server is reached at once, since it may have to be started; the others at first
    use. Raises ConfigurationError for an address that cannot be used.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "embedded":
        return _embedded(rest, connections=connections, timeouts=timeouts)
    options = _options_of(url, scheme)
    if scheme == "rediss":
        options |= {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    return Connection(_pool(options, connections=connections, timeouts=timeouts))


def _embedded(folder: str, *, connections: int, timeouts: Timeouts) -> Connection:
    if not folder:
        raise ConfigurationError(["The store's address embedded:<folder> lacks the folder."])
    server = EmbeddedServer.join(Path(folder))
    options = {"connection_class": EmbeddedConnection, "server": server}
    pool = _pool(options, connections=connections, timeouts=timeouts)
    return Connection(pool, server=server)


def _options_of(url: str, scheme: str) -> dict[str, Any]:
    """The connection options in a URL; the address never enters an error, it holds a password."""
    if scheme not in {"redis", "rediss", "unix"}:
        raise ConfigurationError(
            [
                "The store's address must begin with embedded:, redis://, rediss:// or unix://; "
                "Sentinel and Cluster are not supported yet."
            ]
        )
    try:
        options = dict(parse_url(url))  # type: ignore[no-untyped-call]
    except ValueError as e:
        raise ConfigurationError(["The store's address is not a URL that can be read."]) from e
    if unknown := sorted(options.keys() - _FROM_URL):
        raise ConfigurationError(
            [f"The store's address has options that are not supported: {', '.join(unknown)}."]
        )
    return options


def _pool(
    options: dict[str, Any], *, connections: int, timeouts: Timeouts
) -> BlockingConnectionPool:
    """A bounded pool; retries are `Connection`'s own, so the driver's are off."""
    return BlockingConnectionPool(  # type: ignore[no-untyped-call]
        max_connections=connections,
        timeout=timeouts.pool,
        socket_connect_timeout=timeouts.connect,
        socket_timeout=timeouts.answer,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=30,
        decode_responses=True,
        protocol=2,
        driver_info=None,
        **options,
    )
