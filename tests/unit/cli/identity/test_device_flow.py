"""Waiting for a code to be entered: as fast as the provider allows, and not for ever."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from broker.cli.failures import CommandFailed, CommandRefused
from broker.cli.identity.device_flow import browser_is_elsewhere, sign_in_with_device
from broker.cli.identity.kept import KeptSignIn
from broker.errors import DependencyUnavailable
from broker.openid.public_client import (
    DeviceCodes,
    NotOffered,
    ProviderRefused,
    Waiting,
)
from broker.openid.transport import Tokens

TOKENS = Tokens(identity_token="eyJ.x.y", refresh_token=None)
SIGN_IN = KeptSignIn(
    issuer="https://id.example",
    client_id="broker-cli",
    scope="openid",
    provider_subject="jane",
    identity_token="eyJ.x.y",
    expires_at=datetime.now(UTC) + timedelta(hours=1),
    refresh_token=None,
)


@dataclass
class Hours:
    """A clock that moves only while somebody waits."""

    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@dataclass
class Provider:
    """Answers as it is told to, then that nobody has come."""

    answers: Iterator[Any]
    codes: DeviceCodes | Exception

    def begin_device_flow(self) -> DeviceCodes:
        if isinstance(self.codes, Exception):
            raise self.codes
        return self.codes

    def poll(self, codes: DeviceCodes) -> Tokens | Waiting:
        assert codes is self.codes
        answer = next(self.answers, Waiting.PENDING)
        if isinstance(answer, Exception):
            raise answer
        return answer


def codes(**said: Any) -> DeviceCodes:
    """What a provider gives; RFC 8628's example."""
    given = {
        "device_code": "the-device-code",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://id.example/device",
        "expires_in": 600,
        **said,
    }
    return DeviceCodes.model_validate(given)


def waited(
    *answers: Any, given: DeviceCodes | Exception | None = None, seconds: float = 3600
) -> tuple[KeptSignIn, list[float]]:
    """The sign-in, and the pauses before each question."""
    hours, provider = Hours(), Provider(iter(answers), given or codes())
    client: Any = SimpleNamespace(oauth=provider, accepted=lambda *_, **__: SIGN_IN)
    try:
        found = sign_in_with_device(
            client, seconds=seconds, pause=hours.pause, monotonic=lambda: hours.now
        )
    except Exception as e:
        e.pauses = hours.pauses  # type: ignore[attr-defined]
        raise
    return found, hours.pauses


def test_it_asks_every_five_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """The default of section 3.2; code and address are shown, the device code is not."""
    found, pauses = waited(Waiting.PENDING, Waiting.PENDING, TOKENS)
    assert found is SIGN_IN
    assert pauses == [5, 5, 5]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "https://id.example/device" in shown.err
    assert "WDJB-MJHT" in shown.err
    assert "the-device-code" not in shown.err


def test_it_keeps_to_the_providers_interval_and_slows_down_when_told() -> None:
    """Five seconds more at each `slow_down`, from then on (section 3.5)."""
    answers = (Waiting.SLOW_DOWN, Waiting.PENDING, Waiting.SLOW_DOWN, TOKENS)
    _, pauses = waited(*answers, given=codes(interval=2))
    assert pauses == [2, 7, 7, 12]


def test_a_provider_that_does_not_answer_is_asked_more_slowly() -> None:
    """As section 3.5 has it for timeouts; it may be there again."""
    _, pauses = waited(DependencyUnavailable("away"), TOKENS)
    assert pauses == [5, 10]


@pytest.mark.parametrize(
    ("expires_in", "seconds", "said"),
    [
        (12, 3600, "while it was good.* \\[expired_token\\]"),
        (600, 12, "within 12 seconds.* with --timeout for more time"),
    ],
)
def test_it_ends(expires_in: int, seconds: int, said: str) -> None:
    """With the code, or with the patience of whoever waits; and says which."""
    with pytest.raises(CommandFailed) as caught:
        waited(given=codes(expires_in=expires_in), seconds=seconds)
    assert re.search(said, caught.value.format_message())
    assert caught.value.pauses == [5, 5, 2]  # type: ignore[attr-defined]
    assert caught.value.exit_code == 1


def test_the_provider_says_that_it_is_over() -> None:
    """The same sentence."""
    with pytest.raises(CommandFailed, match="while it was good"):
        waited(ProviderRefused("expired_token"))


def test_it_is_refused() -> None:
    """At once, whatever time is left."""
    with pytest.raises(ProviderRefused, match="access_denied"):
        waited(Waiting.PENDING, ProviderRefused("access_denied"))


def test_it_is_not_offered() -> None:
    """The ways out are named."""
    with pytest.raises(CommandRefused, match="BROKER_TOKEN"):
        waited(given=NotOffered())


def test_what_the_provider_writes_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither with a code nor with an address."""
    waited(
        TOKENS, given=codes(user_code="AB\x1b[2J\rCD", verification_uri="https://id.example/\u202e")
    )
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert "\r" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("environment", "elsewhere"),
    [
        ({}, True),
        ({"DISPLAY": ":0"}, False),
        ({"WAYLAND_DISPLAY": "wayland-0"}, False),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, True),
    ],
)
def test_where_the_browser_is(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], elsewhere: bool
) -> None:
    """A browser on another machine's screen helps nobody."""
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert browser_is_elsewhere() is elsewhere
