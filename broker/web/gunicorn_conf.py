"""gunicorn's configuration: `gunicorn -c python:broker.web.gunicorn_conf wsgi:app`."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

from broker import logs, settings
from broker.web.companion import Companion
from broker.web.worker import CONNECTIONS

_settings = settings.load()
_companion = Companion()
_metrics_folder = tempfile.mkdtemp(prefix="broker-metrics-")
# prometheus_client decides when it is imported whether several processes share their metrics.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _metrics_folder

bind = _settings.bind
workers = _settings.workers
# Threads, because a session waits for KMS and STS most of its time.
worker_class = "broker.web.worker.PromptWorker"
threads = _settings.threads
worker_connections = CONNECTIONS
# Each worker opens its own connections, starts its own refresh thread and, with an embedded
# store, becomes a user of it: none of that survives a fork.
preload_app = False
# The C parser: the pure Python one takes twice the time on the issuers' fast path.
http_parser = "fast"
# Longer than any load balancer in front keeps a connection idle, so that it is the one to close.
keepalive = 75
# A reconciliation waits up to half a minute for a new role; a worker silent for longer hangs.
timeout = 120
# What a session under way needs to end properly after SIGTERM: record its outcome.
graceful_timeout = 30
# Requests here are small; a long line or header is an attack.
limit_request_line = 4094
limit_request_fields = 50
limit_request_field_size = 8190
# Our own access log is written by the application, with the request's id and no query string.
accesslog = None
# The root logger, which `broker.logs` configures, prints what gunicorn has to say.
logger_class = "broker.web.worker.RootLogger"
# Nobody controls this process but by signals.
control_socket_disable = True
# Heartbeats in memory: a slow disk must not make the master kill a healthy worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - see above
# Only ProxyFix decides what a proxy may say, by BROKER_TRUSTED_PROXIES.
forwarded_allow_ips = ""


def on_starting(server: Any) -> None:  # noqa: ARG001 - gunicorn's hook
    """The master's own log goes where the workers' goes."""
    logs.configure(_settings.log_level)


def when_ready(server: Any) -> None:  # noqa: ARG001 - gunicorn's hook
    """A `broker worker` works beside the web workers, unless the settings say otherwise."""
    if _settings.serve_worker:
        _companion.start()


def post_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's hook
    """Only the master holds the companion's lifeline."""
    _companion.let_go()


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's hook
    """Gauges of a dead worker are not counted any more."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - only after the variable is set

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:  # noqa: ARG001 - gunicorn's hook
    """The companion and the metrics of this run end with it."""
    _companion.stop()
    shutil.rmtree(_metrics_folder, ignore_errors=True)
