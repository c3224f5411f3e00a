"""A world for keys: a clock that tests turn, an AWS that caches, and crashes at any moment."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile
from broker.domain.claims import TokenSubject, identity_claims
from broker.domain.identifiers import AccountId, EngineerId, SessionId, TicketId
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import Chain, Event, LedgerAction, LedgerEntry, Outcome, chain_of
from broker.domain.ports import Journal, Lease, Save
from broker.domain.role_plan import RolePolicy
from broker.services.ambient import Entropy
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.issuer.directory import IssuerDirectory
from broker.services.issuer.minting import Minter
from broker.services.leasing import Leasing
from broker.services.lifecycle.accounts import Accounts, NewAccount
from broker.services.lifecycle.canaries import Canaries
from broker.services.lifecycle.key_keeping import KeyKeeping
from broker.services.lifecycle.orphans import Orphans
from broker.services.lifecycle.rotating import Rotating
from broker.services.revocation.session_ends import SessionEnds
from broker.store import Store
from broker.web.issuer import IssuerEndpoint
from broker.web.metrics import Metrics
from keys.rotation_plan import RotationPolicy
from keys.types import Algorithm, KeyProvider
from tests.integration.lifecycle.caching_aws import KEPT_LONGER, MAX_AGE, CachingAws, Clock, Moments

POLICY = RotationPolicy(keep_published=timedelta(minutes=10) + MAX_AGE + KEPT_LONGER)
LONGEST_SESSION = timedelta(hours=4)

WORKER = Call(
    caller=Caller(subject="broker:worker", roles=frozenset({Role.ADMIN})),
    request_id="tests",
    source_address="local",
)


class MortalJournal:
    """A journal whose process may be killed around each write."""

    def __init__(self, behind: Journal, moments: Moments) -> None:
        self._behind = behind
        self._moments = moments

    def record(
        self, chain: Chain, *events: Event, now: datetime, saves: Sequence[Save] = ()
    ) -> tuple[LedgerEntry, ...]:
        self._moments.reach()
        entries = self._behind.record(chain, *events, now=now, saves=saves)
        self._moments.reach()
        return entries


class FreeLeases:
    """Whoever is killed leaves a lease that runs out; here it has run out already."""

    def acquire(self, name: str, *, holder: str, ttl: timedelta) -> Lease | None:
        del ttl
        return Lease(name=name, holder=holder, fencing=1)

    def renew(self, lease: Lease, *, ttl: timedelta) -> bool:
        del lease, ttl
        return True

    def release(self, lease: Lease) -> None:
        del lease


class NoReconciliation:
    """Stands for the reconciler, whose work in an emergency other tests show."""

    def __init__(self) -> None:
        self.asked = 0

    def run(self, *_: object, **__: object) -> None:
        self.asked += 1


@dataclass
class World:
    """The broker's services for keys, on a real store and a real provider."""

    store: Store
    make_provider: Callable[[Moments], KeyProvider]
    clock: Clock
    policy: RotationPolicy = POLICY
    moments: Moments = field(default_factory=Moments)
    account_id: AccountId = field(
        default_factory=lambda: AccountId.parse(f"{secrets.randbelow(10**12):012d}")
    )

    def __post_init__(self) -> None:
        journal = MortalJournal(self.store.journal, self.moments)
        self.directory = IssuerDirectory(accounts=self.store.accounts, clock=self.clock)
        self.http = httpx.Client(
            transport=httpx.WSGITransport(
                app=IssuerEndpoint(
                    directory=self.directory,
                    behind=_nothing_behind,
                    metrics=Metrics(),
                    max_age=int(MAX_AGE.total_seconds()),
                    clock=self.clock,
                )
            ),
            trust_env=False,
        )
        self.aws = self.another_aws()
        self.aws.moments = self.moments
        self.provider = self.make_provider(self.moments)
        providers = {"kms": self.provider, "local": self.provider}
        self.minter = Minter(key_providers=providers)
        gate = Gate(journal=journal, clock=self.clock)
        leasing = Leasing(leases=FreeLeases(), sleep=_no_sleep)
        canaries = Canaries(
            minter=self.minter,
            exchange=self.aws,
            policy=RolePolicy(
                name_prefix="Acme",
                longest_session=LONGEST_SESSION,
                pinned_partitions=frozenset({"aws"}),
            ),
            clock=self.clock,
            entropy=Entropy(),
            sleep=_no_sleep,
        )
        self.key_keeping = KeyKeeping(
            journal=journal,
            accounts=self.store.accounts,
            providers=providers,
            maker="local",
            algorithm=Algorithm.ES256,
            canaries=canaries,
            policy=self.policy,
            clock=self.clock,
        )
        self.reconciler = NoReconciliation()
        self.rotating = Rotating(
            journal=journal,
            accounts=self.store.accounts,
            gate=gate,
            leasing=leasing,
            key_keeping=self.key_keeping,
            reconcile=self.reconciler,  # type: ignore[arg-type]
            ends=SessionEnds(
                journal=journal,
                accounts=self.store.accounts,
                sessions=self.store.sessions,
                longest_session=LONGEST_SESSION,
                clock=self.clock,
            ),
            canaries=canaries,
            longest_session=LONGEST_SESSION,
            clock=self.clock,
        )
        self.accounts = Accounts(
            journal=journal,
            accounts=self.store.accounts,
            gate=gate,
            leasing=leasing,
            key_keeping=self.key_keeping,
            issuer_base="https://broker.example.com",
            partition="aws",
            longest_session=LONGEST_SESSION,
            clock=self.clock,
            entropy=Entropy(),
        )
        self.orphans = Orphans(
            journal=journal,
            accounts=self.store.accounts,
            gate=gate,
            provider=self.provider,
            monthly_usd=1,
            clock=self.clock,
        )

    def reborn(self, *, deadly: int | None = None) -> World:
        """A new process on what the old one has left."""
        return replace(self, moments=Moments(deadly))

    def another_aws(self, **changes: Any) -> CachingAws:
        return CachingAws(self.http, self.clock, **changes)

    def register(self) -> Account:
        return self.accounts.register(
            NewAccount(
                account_id=self.account_id,
                customer="Example Ltd",
                payer=Payer.NO,
                profile=Profile.METADATA,
                consent=Consent.STANDING,
            ),
            WORKER,
        )

    def onboard(self) -> Account:
        """Registered, and as far as these tests care active."""
        self.register()
        return self.change(state=AccountState.ACTIVE)

    @property
    def account(self) -> Account:
        stored = self.store.accounts.get(self.account_id)
        assert stored is not None
        return stored.record

    def change(self, **members: Any) -> Account:
        stored = self.store.accounts.get(self.account_id)
        assert stored is not None
        changed = replace(stored.record, **members)
        self.store.journal.record(
            chain_of(self.account_id),
            WORKER.event(LedgerAction.ACCOUNT_CHANGED, Outcome.DONE),
            now=self.clock(),
            saves=[Save(changed, expected=stored.version)],
        )
        return changed

    def tend(self) -> Account:
        account = self.key_keeping.tend(self.account_id, WORKER)
        self.directory.refresh()
        return account

    def mint(self) -> str:
        """A token as a session would use it, signed with the account's active key."""
        subject = TokenSubject(
            issuer=self.account.issuer,
            subject=f"support:{self.account_id}",
            role_arn=f"arn:aws:iam::{self.account_id}:role/Acme-Support-ReadOnly",
            engineer=EngineerId("ann@example.com"),
            ticket_id=TicketId("T-1"),
            session_id=SessionId("s-" + "0" * 20),
            jti=secrets.token_hex(16),
        )
        return self.minter.mint(self.account, identity_claims(subject, now=self.clock())).compact

    def states(self) -> list[str]:
        return [key.state.value for key in self.account.keys]

    def entries(self) -> list[tuple[str, str]]:
        chain = chain_of(self.account_id)
        found = self.store.journal.entries(chain, after=0, limit=1000)
        return [(entry.action, entry.outcome) for entry in found]


def _nothing_behind(*_: object) -> list[bytes]:
    raise AssertionError("only the issuer is asked")


def _no_sleep(_: float) -> None:
    """A refusal in these tests does not pass by waiting."""


def empty(store: Store) -> None:
    """Forget every account: each new process reads all that there are."""
    store._connection.run(lambda redis: redis.flushall())
