"""What AWS finds where an issuer should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.accounts import Account
from broker.domain.diagnosis import Check, CheckStatus
from broker.domain.diagnosis.issuer import (
    SLOW,
    Fetched,
    IssuerSite,
    Unreachable,
    diagnose_discovery,
    diagnose_jwks,
)
from broker.domain.issuer_documents import DISCOVERY_PATH, JWKS_PATH
from broker.services.ambient import Clock
from keys.rotation import published
from keys.types import KeyState

PUBLISHED_WITHIN = timedelta(seconds=10)
"""Of a change of keys: each process of the broker reads it from the store every two seconds."""

PAUSE = timedelta(seconds=1)
"""Between two looks at documents that may not be up to date yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationExamination:
    """Fetches an issuer's documents. It asks no host but the configured one."""

    issuer_base: str
    site: IssuerSite
    clock: Clock
    sleep: Callable[[float], None]

    def discovery(self, account: Account) -> Iterator[Check]:
        """The discovery document, unless it would be somewhere else."""
        if not self._is_ours(account):
            yield Check.failed(
                "discovery document",
                f"The account's issuer is not under {self.issuer_base}.",
                meaning="BROKER_ISSUER_URL has changed since the account was registered. A "
                "provider's URL cannot change, so AWS still asks at the old place.",
                mend="Set BROKER_ISSUER_URL as it was, or register the account anew.",
            )
            return
        fetched = self._fetched(account.issuer + DISCOVERY_PATH)
        yield from diagnose_discovery(account.issuer, fetched)

    def keys(self, account: Account) -> Iterator[Check]:
        """The JWKS at the place that discovery must name; no other address is followed."""
        if not self._is_ours(account):
            yield Check.not_run(
                "published keys",
                "The issuer's documents are somewhere else.",
                mend="See the row above.",
            )
            return
        for _ in range(PUBLISHED_WITHIN // PAUSE):
            fetched = self._fetched(account.issuer + JWKS_PATH)
            checks = tuple(_of_keys(account, fetched))
            well = all(check.status is CheckStatus.OK for check in checks)
            if well or isinstance(fetched, Unreachable) or not self._has_just_changed(account):
                break
            self.sleep(PAUSE.total_seconds())
        yield from checks

    def _has_just_changed(self, account: Account) -> bool:
        """Whether what is published may still be what was right a moment ago."""
        changed_at = max(_changes(account), default=None)
        return changed_at is not None and self.clock() - changed_at < PUBLISHED_WITHIN

    def _fetched(self, url: str) -> Fetched | Unreachable:
        """The answer, or a second one: that one came late tells little of the site."""
        fetched = self.site.fetch(url)
        if isinstance(fetched, Fetched) and fetched.took >= SLOW:
            return self.site.fetch(url)
        return fetched

    def _is_ours(self, account: Account) -> bool:
        return account.issuer.startswith(f"{self.issuer_base}/")


def _of_keys(account: Account, fetched: Fetched | Unreachable) -> Iterator[Check]:
    in_state: dict[KeyState, list[str]] = {state: [] for state in KeyState}
    for key in published(account.keys):
        in_state[key.state].append(key.kid)
    yield from diagnose_jwks(
        signing=in_state[KeyState.ACTIVE],
        staged=in_state[KeyState.PUBLISHED],
        retiring=in_state[KeyState.RETIRING],
        fetched=fetched,
    )


def _changes(account: Account) -> Iterator[datetime]:
    """When a key entered the JWKS or left it."""
    for key in account.keys:
        for at in (key.created_at, key.published_at, key.retired_at, key.compromised_at):
            if at is not None:
                yield at
