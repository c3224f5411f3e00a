"""`broker serve`: the broker under gunicorn, with the settings of the environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from broker import settings


@click.command(epilog="Exit codes: 0 stopped, 1 failed, 2 wrong usage or settings.")
@click.option(
    "--no-worker",
    is_flag=True,
    help="Start no `broker worker` beside the web workers; like BROKER_SERVE_WORKER=false.",
)
def serve(*, no_worker: bool) -> None:
    """Serve the broker until Ctrl-C, under gunicorn, with a `broker worker` beside it.

    Everything is set by environment variables; the README lists them.

    \b
    A production minimum:
      export BROKER_ISSUER_URL=https://broker.example.com BROKER_VENDOR_ACCOUNT_ID=111122223333
      export BROKER_STORE_URL=rediss://store.example.com:6379
      broker serve
    """
    if no_worker:
        os.environ[settings.PREFIX + "SERVE_WORKER"] = "false"
    # Every problem is told here, at once and in plain words, before any process is started.
    settings.load()
    gunicorn = Path(sys.executable).with_name("gunicorn")
    os.execv(  # noqa: S606 - our own interpreter's gunicorn, no input from outside
        gunicorn, [str(gunicorn), "-c", "python:broker.web.gunicorn_conf", "wsgi:app"]
    )
