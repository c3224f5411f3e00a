"""What AWS reads of every issuer, kept in memory: found without the store, KMS or Flask.

Stale is better than silence (promise 7): what was read once is served until something newer is
read, however long the store is gone.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.domain.accounts import Account
from broker.domain.identifiers import IssuerId
from broker.domain.issuer_documents import discovery, jwks
from broker.domain.ports import AccountRepository
from broker.services.ambient import Clock
from keys.rotation import published


@dataclass(frozen=True, slots=True)
class Document:
    """One JSON document as it is sent, with its strong entity tag (RFC 9110, section 8.8.3)."""

    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class IssuerDocuments:
    """The two documents of one issuer."""

    discovery: Document
    jwks: Document


class IssuerDirectory:
    """Every issuer's documents by issuer id; the one cache that AWS depends on.

    Reads never lock: the mapping is replaced or added to, never emptied.
    """

    def __init__(self, *, accounts: AccountRepository, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._documents: dict[str, IssuerDocuments] = {}
        self._revision = 0
        self._refreshing = threading.Lock()
        self.fresh_at: datetime | None = None
        """When the store was last heard; None before the first time."""

    def find(self, issuer_id: str) -> IssuerDocuments | None:
        """The documents as last read, or None. Never asks the store."""
        return self._documents.get(issuer_id)

    def look_up(self, issuer_id: str) -> IssuerDocuments | None:
        """The documents of an issuer that is not in memory yet, from the store.

        Another process may have registered it a moment ago. Raises StoreUnavailable.
        """
        try:
            wanted = IssuerId.parse(issuer_id)
        except ValueError:
            return None
        account = self._accounts.of_issuer(wanted)
        if account is not None:
            self._keep(account)
        return self.find(issuer_id)

    def refresh(self) -> None:
        """Read every account that changed since the last time. Raises StoreUnavailable."""
        with self._refreshing:
            revision, changed = self._accounts.changed_since(self._revision)
            for account_id in changed:
                stored = self._accounts.get(account_id)
                if stored is not None:
                    self._keep(stored.record)
            self._revision = revision
            self.fresh_at = self._clock()

    def _keep(self, account: Account) -> None:
        if published(account.keys):
            self._documents[account.issuer_id] = render(account)
        else:
            self._documents.pop(account.issuer_id, None)


def render(account: Account) -> IssuerDocuments:
    """The documents of one account's issuer."""
    return IssuerDocuments(
        discovery=_document(discovery(account.issuer, account.keys)),
        jwks=_document(jwks(account.keys)),
    )


def _document(content: Mapping[str, object]) -> Document:
    body = json.dumps(content, separators=(",", ":")).encode("utf-8")
    return Document(body=body, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')
