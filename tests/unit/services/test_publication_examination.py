"""Looking at issuers' documents that may be a moment behind, or late once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from broker.domain.accounts import Account
from broker.domain.diagnosis import Check, CheckStatus
from broker.domain.diagnosis.issuer import SLOW, Certificate, Fetched, Unreachable
from broker.domain.issuer_documents import discovery, jwks
from broker.services.diagnosis.publication import PAUSE, PUBLISHED_WITHIN, PublicationExamination
from keys.local import LocalKeyProvider
from keys.rotation import Records, activate, stage
from keys.types import Algorithm, KeyOwner
from tests.unit.domain.making import ACCOUNT, ISSUER, NOW, account

OK, WARNING, FAILED = CheckStatus.OK, CheckStatus.WARNING, CheckStatus.FAILED
AT_ONCE = timedelta(milliseconds=10)
GONE = Unreachable("No connection to it could be made.")


def served(document: object, took: timedelta = AT_ONCE) -> Fetched:
    """An answer with this document."""
    return Fetched(
        status=200,
        cache_control="public, max-age=3600",
        location="",
        body=json.dumps(document).encode(),
        took=took,
    )


@dataclass
class Site:
    """Gives these answers, the last of them again and again; time passes as it is slept."""

    answers: Sequence[Fetched | Unreachable]
    looks: int = 0
    slept: list[float] = field(default_factory=list)

    def fetch(self, url: str) -> Fetched | Unreachable:
        assert url.startswith(ISSUER)
        self.looks += 1
        return self.answers[min(self.looks, len(self.answers)) - 1]

    def certificate(self, url: str) -> Certificate | Unreachable:
        raise AssertionError(url)

    def examination(self, *, since: timedelta) -> PublicationExamination:
        """Of an account whose keys were made so long ago."""
        return PublicationExamination(
            issuer_base=ISSUER.partition("/oidc/")[0],
            site=self,
            clock=lambda: NOW + since + timedelta(seconds=sum(self.slept)),
            sleep=self.slept.append,
        )


@pytest.fixture
def keys(tmp_path: Path) -> Records:
    """One that signs and one that is staged, both made at NOW."""
    provider = LocalKeyProvider(tmp_path / "keys", passphrase=b"p" * 16, clock=lambda: NOW)
    owner = KeyOwner(account_id=ACCOUNT, issuer_id="a" * 32)
    records: Records = ()
    for _ in range(2):
        made = provider.create(owner=owner, algorithm=Algorithm.ES256)
        records = stage(records, made, now=NOW)
    return activate(records, records[0].kid, now=NOW)


@pytest.fixture
def customer(keys: Records) -> Account:
    return account(keys=keys)


def only(checks: object) -> Check:
    """The one check."""
    (check,) = list(checks)  # type: ignore[call-overload]
    return check


def test_a_process_that_is_a_moment_behind(keys: Records, customer: Account) -> None:
    """Of a new account some process may not publish the staged key yet: it is looked for again."""
    site = Site([served(jwks(())), served(jwks(keys[:1])), served(jwks(keys))])
    assert only(site.examination(since=AT_ONCE).keys(customer)).status is OK
    assert site.slept == [PAUSE.total_seconds()] * 2


def test_a_key_that_stays_away(keys: Records, customer: Account) -> None:
    """It is told once every process must have read of it, and not later."""
    site = Site([served(jwks(keys[:1]))])
    check = only(site.examination(since=AT_ONCE).keys(customer))
    assert check.status is FAILED
    assert f'The staged key is not among them: "{keys[1].kid}".' in check.found
    assert sum(site.slept) <= PUBLISHED_WITHIN.total_seconds()


def test_a_key_that_was_there_for_long(keys: Records, customer: Account) -> None:
    """One look is enough: who does not publish it has not heard of the store for as long."""
    site = Site([served(jwks(keys[:1])), served(jwks(keys))])
    check = only(site.examination(since=PUBLISHED_WITHIN).keys(customer))
    assert (check.status, site.looks, site.slept) == (FAILED, 1, [])


def test_a_site_that_is_not_there(customer: Account) -> None:
    """It is no question of which keys it publishes."""
    site = Site([GONE])
    examination = site.examination(since=AT_ONCE)
    assert only(examination.keys(customer)).found == GONE.reason
    assert only(examination.discovery(customer)).found == GONE.reason
    assert (site.looks, site.slept) == (2, [])


@pytest.mark.parametrize(
    ("second", "status"),
    [(AT_ONCE, OK), (SLOW, WARNING), (timedelta(seconds=5), FAILED)],
)
def test_what_comes_late_is_asked_for_once_more(
    customer: Account, keys: Records, second: timedelta, status: CheckStatus
) -> None:
    """One answer may meet a busy moment; of two, the site is slow."""
    site = Site([served(discovery(ISSUER, keys), SLOW), served(discovery(ISSUER, keys), second)])
    examination = site.examination(since=timedelta(days=1))
    assert only(examination.discovery(customer)).status is status
    assert site.looks == 2
