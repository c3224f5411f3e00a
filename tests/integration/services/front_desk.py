"""Authentication on a store of its own: API tokens, addresses, and what the ledger hears."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.domain.identity.api_tokens import ApiToken
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerEntry
from broker.domain.limits import Limit
from broker.services.ambient import Entropy
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.identity.acceptances import Acceptances
from broker.services.identity.api_tokens import ApiTokens, NewApiToken
from broker.services.identity.authentication import (
    Authentication,
    CredentialKind,
    Origin,
    Presented,
    SignInLimits,
)
from broker.store import Store, open_store

PER_ADDRESS, OVERALL = 5, 12
HOUR = timedelta(hours=1)
OFFICE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
ADMIN = Call(
    caller=Caller(subject="admin", roles=frozenset({Role.ADMIN})),
    request_id="tests",
    source_address="local",
)


class Counting:
    """An authenticator that passes everything on to another, and counts what it is asked."""

    def __init__(self, behind: ApiTokens) -> None:
        self._behind = behind
        self.asked = 0

    def authenticate(self, credential: str) -> Caller:
        self.asked += 1
        return self._behind.authenticate(credential)

    def remembered_by(self, credential: str) -> str:
        return self._behind.remembered_by(credential)


@dataclass(kw_only=True)
class FrontDesk:
    """One process that authenticates; `another` is a second one on the same store."""

    store: Store
    now: datetime
    tokens: ApiTokens = field(init=False)
    verified: Counting = field(init=False)
    acceptances: Acceptances = field(init=False)
    authentication: Authentication = field(init=False)

    def __post_init__(self) -> None:
        journal, clock = self.store.journal, lambda: self.now
        self.tokens = ApiTokens(
            journal=journal,
            tokens=self.store.api_tokens,
            gate=Gate(journal=journal, clock=clock),
            longest_life=timedelta(days=30),
            clock=clock,
            entropy=Entropy(),
        )
        self.verified = Counting(self.tokens)
        # Nothing is told by itself: tests say when.
        self.acceptances = Acceptances(kept=self.store.acceptances, clock=clock, pause=3600)
        self.authentication = Authentication(
            authenticators={CredentialKind.API_TOKEN: self.verified},
            acceptances=self.acceptances,
            journal=journal,
            windows=self.store.windows,
            limits=SignInLimits(per_address=Limit(PER_ADDRESS, HOUR), overall=Limit(OVERALL, HOUR)),
            clock=clock,
        )

    def another(self) -> FrontDesk:
        """A second process on the same store, which remembers nothing of its own yet."""
        return FrontDesk(store=self.store, now=self.now)

    def token(self, subject: str = "ann", *, days: int = 1) -> tuple[ApiToken, str]:
        """A new API token, and its text."""
        new = NewApiToken(
            subject=subject,
            roles=[Role.ENGINEER],
            account_ids=[],
            expires_at=self.now + timedelta(days=days),
        )
        return self.tokens.issue(new, ADMIN)

    def present(self, text: str, address: str = OFFICE) -> Call:
        """A request with this API token, from this address."""
        origin = Origin(request_id=f"r-{next(_requests)}", source_address=address)
        return self.authentication(Presented(CredentialKind.API_TOKEN, text), origin)

    def refusals(self) -> list[LedgerEntry]:
        """What the ledger holds of authentications that were refused."""
        entries = self.store.journal.entries(BROKER_CHAIN, after=0, limit=1000)
        return [entry for entry in entries if entry.action == "authentication.refused"]


_requests = itertools.count()


@contextmanager
def opened(folder: Path) -> Iterator[FrontDesk]:
    """A front desk on an embedded store in `folder`."""
    with open_store(f"embedded:{folder}") as store:
        desk = FrontDesk(store=store, now=datetime.now(UTC).replace(microsecond=0))
        yield desk
        desk.acceptances.flush()
