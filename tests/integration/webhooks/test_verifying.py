"""What receivers do with an event: the README's twelve lines, and a library that is not ours."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.domain.webhooks.signature import Secret
from broker.services.ambient import utc_now
from tests.contract.store_samples import ONE
from tests.integration.webhooks.receiver import Received, Receiver
from tests.integration.webhooks.verifying import event_of
from tests.integration.webhooks.world import SECRET, Clock, World, a_world, an_endpoint

LIBRARY = Path(__file__).parents[2] / "e2e" / "webhook_receiver" / "verify.mjs"
OLD, OTHER = Secret(b"the secret before this one"), Secret(b"another endpoint's secret")


class Refused(Exception):
    """The receiver does not believe it."""


def by_the_readme(received: Received, secret: str) -> Any:
    try:
        return event_of()(received.headers, received.body, secret)
    except ValueError as e:
        raise Refused from e


def by_the_library(received: Received, secret: str) -> Any:
    """npm's `standardwebhooks`, in a process of its own."""
    asked = {
        "secret": secret,
        "headers": dict(received.headers),
        "body": received.body.decode("utf-8"),
    }
    done = subprocess.run(
        ["node", str(LIBRARY)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode != 0:
        assert "WebhookVerificationError" in done.stderr, done.stderr
        raise Refused
    return json.loads(done.stdout)


@dataclass
class Delivered:
    """An event that arrived just now, signed with two secrets, and what it says."""

    received: Received
    event: dict[str, Any]


@pytest.fixture
def delivered(url: str, receiver: Receiver) -> Delivered:
    """Through all of it: written, told, received."""
    return deliver(url, receiver, Clock(utc_now()))


def deliver(url: str, receiver: Receiver, clock: Clock) -> Delivered:
    world: World = a_world(url, clock, an_endpoint(receiver.url, secrets=(SECRET, OLD)))
    with world.store:
        world.register(ONE)
        world.sweep()
        world.record()
        world.deliver()
    (received,) = receiver.received
    return Delivered(received, received.event)


Verify = Callable[[Received, str], Any]
verifiers = pytest.mark.parametrize("verify", [by_the_readme, by_the_library])


@verifiers
@pytest.mark.parametrize("secret", [SECRET, OLD])
def test_a_receiver_believes_the_broker(
    verify: Verify, secret: Secret, delivered: Delivered
) -> None:
    """With whichever of two secrets it has, while one replaces the other."""
    assert verify(delivered.received, secret.reveal()) == delivered.event


def _spoilt(received: Received, **headers: str) -> Received:
    return replace(received, headers={**received.headers, **headers})


TAMPERED: dict[str, Callable[[Received], Received]] = {
    "the body": lambda it: replace(it, body=it.body.replace(b"done", b"gone")),
    "a space": lambda it: replace(it, body=it.body + b" "),
    "the id": lambda it: _spoilt(it, **{"webhook-id": "111122223333-9"}),
    "the time": lambda it: _spoilt(
        it, **{"webhook-timestamp": str(int(it.headers["webhook-timestamp"]) + 1)}
    ),
    "the signature": lambda it: _spoilt(it, **{"webhook-signature": "v1," + "A" * 43 + "="}),
    "the version": lambda it: _spoilt(
        it, **{"webhook-signature": it.headers["webhook-signature"].replace("v1,", "v2,")}
    ),
}


@verifiers
@pytest.mark.parametrize("what", TAMPERED)
def test_whatever_was_changed_is_not_believed(
    verify: Verify, what: str, delivered: Delivered
) -> None:
    """Each part is signed."""
    with pytest.raises(Refused):
        verify(TAMPERED[what](delivered.received), SECRET.reveal())


@verifiers
def test_another_endpoints_secret_signs_nothing_here(verify: Verify, delivered: Delivered) -> None:
    """Whoever gets events cannot forge those of others."""
    with pytest.raises(Refused):
        verify(delivered.received, OTHER.reveal())


@verifiers
def test_an_old_delivery_is_not_believed_again(
    verify: Verify, url: str, receiver: Receiver
) -> None:
    """Whoever recorded one cannot send it an hour later; within minutes, its id tells."""
    old = deliver(url, receiver, Clock(utc_now() - timedelta(minutes=10)))
    with pytest.raises(Refused):
        verify(old.received, SECRET.reveal())
