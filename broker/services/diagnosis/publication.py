"""What AWS finds where an issuer should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from broker.domain.accounts import Account
from broker.domain.diagnosis import Check
from broker.domain.diagnosis.issuer import IssuerSite, diagnose_discovery, diagnose_jwks
from broker.domain.issuer_documents import DISCOVERY_PATH, JWKS_PATH
from keys.rotation import published
from keys.types import KeyState


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationExamination:
    """Fetches an issuer's documents. It asks no host but the configured one."""

    issuer_base: str
    site: IssuerSite

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
        fetched = self.site.fetch(account.issuer + DISCOVERY_PATH)
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
        in_state: dict[KeyState, list[str]] = {state: [] for state in KeyState}
        for key in published(account.keys):
            in_state[key.state].append(key.kid)
        yield from diagnose_jwks(
            signing=in_state[KeyState.ACTIVE],
            staged=in_state[KeyState.PUBLISHED],
            retiring=in_state[KeyState.RETIRING],
            fetched=self.site.fetch(account.issuer + JWKS_PATH),
        )

    def _is_ours(self, account: Account) -> bool:
        return account.issuer.startswith(f"{self.issuer_base}/")
