"""Signatures as the Standard Webhooks specification has them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from broker.domain.webhooks.signature import LONGEST, SHORTEST, Secret, signed_headers

# The example of the specification's reference implementations.
EXAMPLE = {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "timestamp": 1614265330,
    "body": b'{"test": 2432232314}',
    "signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
AT = datetime.fromtimestamp(1614265330, tz=UTC)


def headers(*secrets: str) -> dict[str, str]:
    return signed_headers(
        b'{"test": 2432232314}',
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=AT,
        secrets=[Secret.parse(secret) for secret in secrets],
    )


def test_the_specifications_example() -> None:
    """Whatever verifies that verifies ours."""
    assert headers(str(EXAMPLE["secret"])) == {
        "webhook-id": EXAMPLE["id"],
        "webhook-timestamp": "1614265330",
        "webhook-signature": EXAMPLE["signature"],
    }


def test_while_one_secret_replaces_another_both_sign() -> None:
    """The receiver may change at its own time."""
    new = Secret(b"n" * 32).reveal()
    first, second = headers(new, str(EXAMPLE["secret"]))["webhook-signature"].split(" ")
    assert first == headers(new)["webhook-signature"]
    assert second == EXAMPLE["signature"]


@pytest.mark.parametrize("size", [SHORTEST, 32, LONGEST])
def test_a_secret_is_written_as_it_is_read(size: int) -> None:
    """With the prefix by which scanners find it."""
    written = Secret(bytes(range(size))).reveal()
    assert written.startswith("whsec_")
    assert Secret.parse(written) == Secret(bytes(range(size)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "canary-that-is-no-secret-of-ours",
        "whsec_" + base64.b64encode(b"c" * (SHORTEST - 1)).decode(),
        "whsec_" + base64.b64encode(b"c" * (LONGEST + 1)).decode(),
        "whsec_" + "canary!!" * 8,
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
    ],
)
def test_what_is_no_secret_is_refused_without_being_shown(text: str) -> None:
    """It may be one after all, of something else."""
    with pytest.raises(ValueError, match="must be whsec_ and 24 to 64 random bytes") as refused:
        Secret.parse(text)
    assert refused.value.__cause__ is None
    assert "canary" not in str(refused.value)
