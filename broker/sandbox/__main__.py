"""Start the sandbox: `python -m broker.sandbox`."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

import click

from broker.sandbox.server import Sandbox


@click.command()
@click.option(
    "--port", default=0, show_default=True, help="Port on 127.0.0.1; 0 takes any free one."
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path),
    help="File that is written, whole, once the sandbox serves; also printed as one line.",
)
@click.option(
    "--role-delay",
    default=0.0,
    show_default=True,
    help="Seconds for which a new role refuses web identities, as AWS was seen to do for 8.",
)
@click.option(
    "--follow-stdin",
    is_flag=True,
    help="Stop when standard input closes, so that the sandbox ends with what started it.",
)
def main(port: int, ready_file: Path | None, role_delay: float, follow_stdin: bool) -> None:  # noqa: FBT001  (click passes flags so)
    """A strict local AWS for development and tests.

    KMS, IAM, STS, S3 and what else moto has, on one loopback address. Every call must be signed
    with credentials that the sandbox gave out, and is decided by their real policies.

    \b
    An account and its administrator's keys:
      curl -X POST $URL/_sandbox/accounts -d '{"account_id": "111122223333"}'
    Then, with those keys and AWS_ENDPOINT_URL=$URL in the environment:
      aws iam list-roles
    """
    try:
        sandbox = Sandbox(port=port, role_delay=timedelta(seconds=role_delay))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    server = threading.Thread(target=sandbox.serve, name="server")
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=sandbox.stop).start())
    signal.signal(signal.SIGINT, lambda *_: threading.Thread(target=sandbox.stop).start())
    if follow_stdin:
        threading.Thread(target=_stop_with_stdin, args=(sandbox,), daemon=True).start()
    announcement = json.dumps({"url": sandbox.url, "pid": os.getpid()})
    if ready_file is not None:
        _write_whole(ready_file, announcement)
    click.echo(announcement)
    server.join()


def _stop_with_stdin(sandbox: Sandbox) -> None:
    # Not through sys.stdin: its lock, held by a thread that waits, lets no interpreter end well.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    sandbox.stop()


def _write_whole(path: Path, text: str) -> None:
    """Nobody ever reads half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text + "\n")
    draft.replace(path)


if __name__ == "__main__":
    main()
