"""What every account depends on: settings, store, the broker's own AWS account, its clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from broker.domain.diagnosis import Check
from broker.domain.diagnosis.issuer import IssuerSite, diagnose_certificate
from broker.domain.diagnosis.surroundings import (
    AwsMirror,
    diagnose_clock,
    diagnose_credentials,
)
from broker.domain.ports import StoreHealth
from broker.errors import DependencyUnavailable
from broker.services.ambient import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The examinations that need no account."""

    issuer_base: str
    vendor_account_id: str
    store: StoreHealth
    mirror: AwsMirror
    site: IssuerSite
    clock: Clock

    def settings(self) -> Iterator[Check]:
        """That they loaded, which they did: otherwise there would be no services."""
        yield Check.ok("settings", f"They are complete. Issuers are under {self.issuer_base}.")

    def store_health(self) -> Iterator[Check]:
        """Whether the store answers, and what an acknowledged write would not survive."""
        try:
            self.store.ping()
        except DependencyUnavailable:
            yield Check.failed(
                "store",
                "It does not answer.",
                meaning="No session can be opened and nothing recorded. Keys that are in memory "
                "are still served.",
                mend="Start it, or correct BROKER_STORE_URL.",
            )
            return
        problems = tuple(self.store.problems())
        for problem in problems:
            yield Check.warning(
                "store",
                problem,
                meaning="What the ledger has acknowledged should survive a crash.",
                mend="Use the embedded store, or a server with `appendonly yes` and "
                "`appendfsync always`.",
            )
        if not problems:
            yield Check.ok("store", "It answers, and what it acknowledges survives a crash.")

    def own_identity(self) -> Iterator[Check]:
        """The broker's credentials and its clock, both from one answer of AWS's."""
        asked_at = self.clock()
        identity = self.mirror.look()
        answered_at = self.clock()
        yield diagnose_credentials(identity, vendor_account_id=self.vendor_account_id)
        yield diagnose_clock(identity.at, asked_at=asked_at, answered_at=answered_at)

    def certificate(self) -> Iterator[Check]:
        """The certificate of the issuers' host; the sandbox's plain http has none."""
        if self.issuer_base.startswith("https://"):
            found = self.site.certificate(self.issuer_base)
            yield diagnose_certificate(found, now=self.clock())
