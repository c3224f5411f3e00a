"""`broker serve`: the broker under gunicorn, with the settings of the environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from broker import settings


@click.command()
def serve() -> None:
    """Serve the broker until Ctrl-C, under gunicorn.

    \b
    Everything is set by environment variables; the README lists them. A production minimum:
      BROKER_ISSUER_URL=https://broker.example.com BROKER_VENDOR_ACCOUNT_ID=111122223333 \\
      BROKER_STORE_URL=rediss://store.example.com:6379 broker serve
    """
    # Every problem is told here, at once and in plain words, before any process is started.
    settings.load()
    gunicorn = Path(sys.executable).with_name("gunicorn")
    os.execv(  # noqa: S606 - our own interpreter's gunicorn, no input from outside
        gunicorn, [str(gunicorn), "-c", "python:broker.web.gunicorn_conf", "wsgi:app"]
    )
