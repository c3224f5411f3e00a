"""The real commands: a worker of its own tells what another process wrote."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.cli.demo.stage import command
from broker.domain.ledger.entries import chain_of
from broker.services.observations import Unobserved
from broker.settings import load
from broker.store import Store, open_store
from broker.wiring import build
from tests.contract.store_samples import NOW, ONE, an_account, write
from tests.contract.store_servers import until
from tests.integration.webhooks.receiver import PATIENCE, Receiver
from tests.integration.webhooks.world import SECRET, an_event


@pytest.fixture
def environment(tmp_path: Path, url: str, receiver: Receiver) -> dict[str, str]:
    """Settings of a broker whose AWS refuses every connection, with one endpoint."""
    file = tmp_path / "webhooks.toml"
    file.touch(mode=0o600)
    file.write_text(
        f'[[endpoint]]\nname = "chat"\nurl = "{receiver.url}"\nsecret = "{SECRET.reveal()}"\n'
    )
    return {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "nothing to keep",
        "BROKER_AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "BROKER_ISSUER_URL": "http://127.0.0.1:1",
        "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
        "BROKER_STORE_URL": url,
        "BROKER_WEBHOOKS_FILE": str(file),
    }


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


def test_a_worker_tells_what_another_process_writes(
    environment: dict[str, str], store: Store, receiver: Receiver, tmp_path: Path
) -> None:
    """The writer is built from the same settings, so it hints; and no log shows a secret."""
    write(store, an_account())
    log = tmp_path / "log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [str(command("broker")), "worker", "--threads", "2"],
            env={"PATH": os.environ["PATH"], **environment},
            stdout=output,
            stderr=output,
        )
    try:
        until(lambda: store.webhook_cursors.has_begun("chat"), seconds=PATIENCE)
        services = build(load(environment), Unobserved())
        try:
            (entry,) = services.store.journal.record(chain_of(ONE), an_event(), now=NOW)
        finally:
            services.close()
        receiver.wait_for(1)
    finally:
        worker.terminate()
        worker.wait(PATIENCE)
    assert receiver.ids == [f"{ONE}-{entry.seq}"]
    assert "canary" not in log.read_text()
    assert SECRET.reveal() not in log.read_text()
