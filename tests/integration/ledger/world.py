"""A broker with one account whose ledger is at hand: real store, real keys, a clock, no AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

from broker.domain.accounts import Account, Consent, Payer, Profile
from broker.domain.identifiers import AccountId, BucketName
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ledger.entries import Event, LedgerAction, LedgerEntry, Outcome, chain_of
from broker.domain.ledger.verification import Verification, Verified, checkpointed
from broker.domain.ports import Save, Versioned
from broker.errors import BrokerError
from broker.services.calls import Call
from broker.services.ledger.export import ExportRequest
from broker.services.ledger.signing import LedgerSigning
from broker.services.lifecycle.accounts import NewAccount
from broker.services.observations import Unobserved
from broker.settings import load
from broker.wiring import Services, build

ACCOUNT = AccountId("505050505050")
CHAIN = chain_of(ACCOUNT)
BUCKET = BucketName("bucket-of-the-customer")


def call_of(*roles: Role) -> Call:
    return Call(
        caller=Caller(subject="tests", roles=frozenset(roles)),
        request_id="tests",
        source_address="local",
    )


ADMIN, CONSOLE, AUDITOR = call_of(Role.ADMIN), call_of(Role.CONSOLE), call_of(Role.AUDITOR)


def an_event() -> Event:
    return Event(actor="tests", action=LedgerAction.SESSION_OPENED, outcome=Outcome.DONE)


class Buckets:
    """Customers' buckets as a protocol: what is in them, and what they answer."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, int]] = []
        self.error: BrokerError | None = None

    def put(self, checkpoint: Checkpoint, *, bucket: str) -> None:
        if self.error is not None:
            raise self.error
        self.kept.append((bucket, checkpoint.seq))


def settings_of(folder: Path) -> Mapping[str, str]:
    return {
        "BROKER_ISSUER_URL": "https://broker.example.com",
        "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
        "BROKER_STORE_URL": f"embedded:{folder / 'store'}",
        "BROKER_KEY_PROVIDER": "local",
        "BROKER_LOCAL_KEYS_FOLDER": str(folder / "keys"),
        "BROKER_LOCAL_KEYS_PASSPHRASE": "a passphrase of the tests",
        "BROKER_ALLOW_LOCAL_KEYS_FOR_PUBLIC_ISSUER": "true",
    }


@dataclass
class LedgerWorld:
    """The services, with a clock that tests turn."""

    folder: Path
    services: Services
    now: datetime
    buckets: Buckets = field(default_factory=Buckets)

    @classmethod
    def made_in(cls, folder: Path, now: datetime) -> LedgerWorld:
        """With the account registered, and nothing signed."""
        world = cls(folder=folder, services=build(load(settings_of(folder)), Unobserved()), now=now)
        new = NewAccount(
            account_id=ACCOUNT,
            customer="Example Ltd",
            payer=Payer.NO,
            profile=Profile.METADATA,
            consent=Consent.STANDING,
        )
        accounts = world.services.accounts
        keeping = replace(accounts.key_keeping, clock=world.clock)
        replace(accounts, clock=world.clock, key_keeping=keeping).register(new, CONSOLE)
        return world

    def clock(self) -> datetime:
        return self.now

    @property
    def signing(self) -> LedgerSigning:
        signing = self.services.ledger.signing
        copying = replace(signing.copying, buckets=self.buckets, clock=self.clock)
        return replace(signing, copying=copying, clock=self.clock)

    @property
    def account(self) -> Versioned[Account]:
        stored = self.services.store.accounts.get(ACCOUNT)
        assert stored is not None
        return stored

    def save(self, account: Account) -> None:
        event = Event(actor="tests", action=LedgerAction.ACCOUNT_CHANGED, outcome=Outcome.DONE)
        saves = [Save(account, expected=self.account.version)]
        self.services.store.journal.record(CHAIN, event, now=self.now, saves=saves)

    def write(self, entries: int = 1) -> None:
        """Entries of something that has happened."""
        self.services.store.journal.record(CHAIN, *[an_event()] * entries, now=self.now)

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    @property
    def entries(self) -> tuple[LedgerEntry, ...]:
        return self.services.store.journal.entries(CHAIN, after=0, limit=10_000)

    def told(self, action: LedgerAction) -> list[LedgerEntry]:
        return [entry for entry in self.entries if entry.action == action]

    def export(self, after: int = 0, through: int | None = None) -> list[bytes]:
        """The lines of an export."""
        request = ExportRequest(account_id=ACCOUNT, after=after, through=through)
        return BytesIO(b"".join(self.services.ledger.export(request, AUDITOR))).readlines()

    @property
    def checkpoints(self) -> list[int]:
        """The entries that were signed."""
        found = self.services.store.checkpoints.between(ACCOUNT, first=1, last=10**9, limit=999)
        return [checkpoint.seq for checkpoint in found]


def verified(*files: list[bytes]) -> Verified:
    """What files prove, by the keys in them."""
    seen = frozenset[int]().union(*map(checkpointed, files))
    verification = Verification(given={}, remember=seen)
    for lines in files:
        verification.read(lines)
    return verification.result()
