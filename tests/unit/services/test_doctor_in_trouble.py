"""A doctor who meets trouble goes on: what hangs, breaks or is refused is one check not run."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest

from broker.domain.diagnosis import Check, CheckStatus
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ports import Versioned
from broker.errors import DependencyUnavailable, UpstreamRejected
from broker.services.calls import Call
from broker.services.diagnosis import doctoring
from broker.services.diagnosis.doctoring import Doctor
from broker.services.diagnosis.time_limit import within
from tests.unit.domain.making import ACCOUNT, account

CALL = Call(
    caller=Caller(subject="operator:tests", roles=frozenset({Role.ADMIN})),
    request_id="tests",
    source_address="local",
)
NAMES = (
    *("settings", "store", "AWS credentials", "certificate", "account", "signing keys"),
    *("discovery document", "published keys", "management role", "account's IAM", "canaries"),
)


class Examinations:
    """Stands for every examination at once: each is well, but for those that `trouble` names."""

    def __init__(self, trouble: dict[str, Exception | threading.Event]) -> None:
        self.trouble = trouble

    def well(self, name: str) -> Iterator[Check]:
        """One check that is well, or the trouble."""
        match self.trouble.get(name):
            case Exception() as error:
                raise error
            case threading.Event() as released:
                released.wait(10)
        yield Check.ok(name, "It is well.")

    def __getattr__(self, name: str):
        asked = {
            "settings": "settings",
            "store_health": "store",
            "own_identity": "AWS credentials",
            "certificate": "certificate",
            "usable": "signing keys",
            "described": "signing keys",
            "discovery": "discovery document",
            "keys": "published keys",
            "way_in": "management role",
            "standing": "account's IAM",
            "enforced": "canaries",
        }[name]

        def examination(*of: object) -> Iterable[Check]:
            del of
            return self.well(asked)

        return examination


def doctor(**trouble: Exception | threading.Event) -> Doctor:
    """A doctor whose examinations are these; the account is always found."""
    every = Examinations({name.replace("_", " "): what for name, what in trouble.items()})
    accounts = SimpleNamespace(
        get=lambda _: Versioned(account(), 1),
    )
    return Doctor(
        accounts=accounts,
        gate=None,
        surroundings=every,
        signing=every,
        publication=every,
        estate=every,
        enforcement=every,
    )


def statuses(of: Doctor) -> dict[str, CheckStatus]:
    """How each check of the account ended."""
    return {check.name: check.status for check in of.examine(ACCOUNT, CALL)}


def test_all_is_looked_at_in_order() -> None:
    """What hangs on something comes after it."""
    assert tuple(statuses(doctor())) == NAMES


@pytest.mark.parametrize(
    "error",
    [
        DependencyUnavailable("AWS does not answer at the moment."),
        UpstreamRejected("AWS said no."),
        ValueError("arn:aws:iam::111122223333:role/secret"),
        RecursionError(),
    ],
)
@pytest.mark.parametrize("where", ["store", "signing_keys", "canaries"])
def test_trouble_is_one_check_not_run(where: str, error: Exception) -> None:
    """The others are made; nothing of an error that nobody foresaw is repeated."""
    checks = list(doctor(**{where: error}).examine(ACCOUNT, CALL))
    (hindered,) = [check for check in checks if check.status is not CheckStatus.OK]
    assert tuple(check.name for check in checks) == NAMES
    assert hindered.status is CheckStatus.NOT_RUN
    assert hindered.name == where.replace("_", " ")
    assert hindered.mend
    assert "arn:" not in hindered.found


def test_what_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its time, and then the next check is made."""
    monkeypatch.setattr(doctoring, "LIMIT", timedelta(seconds=0.05))
    released = threading.Event()
    found = statuses(doctor(store=released))
    released.set()
    assert found.pop("store") is CheckStatus.NOT_RUN
    assert set(found.values()) == {CheckStatus.OK}


def test_the_whole_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing is left of it, what was not done is said to be not done."""
    monkeypatch.setattr(doctoring, "TOTAL", timedelta(0))
    found = statuses(doctor())
    assert set(found.values()) == {CheckStatus.NOT_RUN}


def test_work_within_its_limit() -> None:
    """Its result, or its error, as if it had been called."""
    assert within(timedelta(seconds=5), lambda: 1) == 1
    with pytest.raises(KeyError):
        within(timedelta(seconds=5), lambda: {}["x"])


def test_work_past_its_limit() -> None:
    """Whoever waits goes on."""
    released = threading.Event()
    with pytest.raises(TimeoutError):
        within(timedelta(seconds=0.02), lambda: released.wait(10))
    released.set()
