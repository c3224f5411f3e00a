"""`broker worker`: works on what is due, until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

import click

from broker import logs, settings
from broker.services.background.alarm import Alarm
from broker.web.metrics import Metrics
from broker.wiring import build


@click.command(
    epilog="Exit codes: 0 stopped, or nothing is due; 1 failed; 2 wrong usage or settings."
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    help="How many tasks to work on at once; BROKER_WORKER_THREADS where it is not given.",
)
@click.option("--once", is_flag=True, help="Work on what is due now, then end: for cron.")
@click.option("--lifeline", type=int, hidden=True, help="Stop when this descriptor is closed.")
def worker(*, threads: int | None, once: bool, lifeline: int | None) -> None:
    """Work on what is due: check accounts, repair them, answer CloudFormation.

    `broker serve` starts one by itself. Any number may run, on any machine that reaches the
    store. SIGTERM or Ctrl-C ends it once it has finished what it had begun.

    \b
      broker worker --threads 16
      broker worker --once
    """
    chosen = settings.load()
    logs.configure(chosen.log_level)
    threads = threads or chosen.worker_threads
    # Every thread needs a connection, so here the worker's are the process's.
    chosen = chosen.model_copy(update={"threads": threads, "worker_threads": threads})
    services = build(chosen, Metrics())
    alarm = _alarm(lifeline)
    try:
        if once:
            services.worker.work_off(alarm)
        else:
            services.worker.run(alarm)
    finally:
        services.close()


def _alarm(lifeline: int | None) -> Alarm:
    """An alarm that says stop on SIGTERM, on SIGINT, and when the lifeline is cut."""
    alarm = Alarm()

    def stop(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        alarm.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if lifeline is not None:
        threading.Thread(target=_watch, args=(lifeline, alarm), daemon=True).start()
    return alarm


def _watch(lifeline: int, alarm: Alarm) -> None:
    """Wait until the other end is closed: nobody ever writes to it."""
    os.read(lifeline, 1)
    alarm.stop()
