"""What every account depends on: a store that keeps what it is told, a certificate that holds."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from broker.domain.diagnosis import CheckStatus
from broker.domain.diagnosis.issuer import Certificate
from broker.errors import StoreUnavailable
from broker.services.diagnosis.surroundings import Surroundings
from tests.unit.domain.making import NOW


class Store:
    """A store with these problems; `error` where it does not answer."""

    def __init__(self, *problems: str, error: Exception | None = None) -> None:
        self._problems, self._error = problems, error

    def ping(self) -> None:
        """Answer, or not."""
        if self._error is not None:
            raise self._error

    def problems(self) -> tuple[str, ...]:
        """What is wrong with it."""
        return self._problems


def surroundings(store: Store, *, issuer_base: str = "https://broker.example.com") -> Surroundings:
    """Surroundings with this store and a certificate that ends in a week."""
    seen = Certificate(NOW + timedelta(days=7), "192.0.2.1", is_public=True)
    return Surroundings(
        issuer_base=issuer_base,
        vendor_account_id="999900001111",
        store=store,
        mirror=SimpleNamespace(),
        site=SimpleNamespace(certificate=lambda _: seen),
        clock=lambda: NOW,
    )


def test_a_store_that_loses_writes() -> None:
    """It works, and each thing that is wrong with it is a warning of its own."""
    problems = ("It may lose the last second.", "It throws records away.")
    checks = list(surroundings(Store(*problems)).store_health())
    assert [(check.status, check.found) for check in checks] == [
        (CheckStatus.WARNING, problem) for problem in problems
    ]


def test_a_store_that_is_away() -> None:
    """That is known, so it is a failure and not a check that did not run."""
    away = Store(error=StoreUnavailable("x"))
    (check,) = surroundings(away).store_health()
    assert check.status is CheckStatus.FAILED


def test_the_certificate_of_an_https_issuer() -> None:
    """The sandbox's plain http has none, and then nothing is said of it."""
    (check,) = surroundings(Store()).certificate()
    assert (check.status, check.name) == (CheckStatus.WARNING, "certificate")
    plain = surroundings(Store(), issuer_base="http://127.0.0.1:8080")
    assert list(plain.certificate()) == []
