"""What ends sessions, on a real store, with an AWS that does as a test tells it and no waiting."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile
from broker.domain.grants import Access, Grant, GrantState
from broker.domain.identifiers import (
    AccountId,
    EngineerId,
    GrantId,
    IssuerId,
    SessionId,
    TicketId,
)
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import LedgerAction, LedgerEntry, Outcome, chain_of
from broker.domain.ports import Save
from broker.domain.sessions import Credentials, Session
from broker.errors import BrokerError
from broker.services.ambient import Entropy
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.revocation.ending import Ending
from broker.services.revocation.enforcing import Enforcing
from broker.services.revocation.mass_revoking import RevokeMany
from broker.services.revocation.probing import Probing
from broker.services.revocation.session_ends import SessionEnds
from broker.services.revocation.twins import Twins
from broker.store import Store

ANN = EngineerId("ann@vendor.example")
CALL = Call(
    caller=Caller(subject="console", roles=frozenset({Role.CONSOLE})),
    request_id="r",
    source_address="local",
)
HOUR = timedelta(hours=1)


def an_account(account_id: AccountId, now: datetime) -> Account:
    """Active, and looked at a moment ago."""
    return Account(
        account_id=account_id,
        partition="aws",
        customer="Example Ltd",
        payer=Payer.NO,
        profile=Profile.METADATA,
        consent=Consent.STANDING,
        state=AccountState.ACTIVE,
        issuer=f"https://broker.example.com/oidc/{account_id}",
        issuer_id=IssuerId(secrets.token_hex(16)),
        external_id="external",
        keys=(),
        created_at=now,
        next_check_at=now + 6 * HOUR,
    )


NOON = datetime(2026, 11, 24, 12, 0, 0, 500_000, tzinfo=UTC)
"""When everything here happens, for the store too: it forgets what has long been over."""

TAKEN = an_account(AccountId("000000000000"), datetime(2026, 11, 24, tzinfo=UTC))
NOT_TAKEN = replace(TAKEN, failures=1, last_error="AWS does not answer.")
"""What a pass over an account ends with."""


class Time:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now = NOON
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move on, as whoever sleeps expects."""
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


@dataclass
class Aws:
    """Hands out credentials that name their session, and says yes or no to them.

    `refuses` answers for a session and the calls so far that were made as it; `exchange_fails` and
    `call_fails` are what AWS answers instead.
    """

    refuses: Callable[[SessionId, int], bool] = lambda _session, _calls: False
    exchange_fails: BrokerError | None = None
    call_fails: BrokerError | None = None
    entered: list[Mapping[str, Any]] = field(default_factory=list)
    calls: list[SessionId] = field(default_factory=list)

    def credentials(self, account: Account, **asked: Any) -> Credentials:
        """Stands for OwnAccess."""
        if self.exchange_fails is not None:
            raise self.exchange_fails
        self.entered.append({"account_id": account.account_id, **asked})
        return Credentials(
            access_key_id=asked["session_id"],
            secret_access_key="secret",
            session_token="token",
            expiration=account.created_at,
        )

    def is_refused(self, credentials: Credentials, _: Access) -> bool:
        """Stands for Probe."""
        if self.call_fails is not None:
            raise self.call_fails
        session_id = SessionId(credentials.access_key_id)
        self.calls.append(session_id)
        return self.refuses(session_id, self.calls.count(session_id))


@dataclass
class Passes:
    """Stands for the reconciler: each account takes it, unless something is said about it."""

    said: dict[AccountId, Account | BrokerError] = field(default_factory=dict)
    asked: list[AccountId] = field(default_factory=list)

    def run(self, account_id: AccountId, _: Call, **__: Any) -> Account:
        self.asked.append(account_id)
        said = self.said.get(account_id, TAKEN)
        if isinstance(said, BrokerError):
            raise said
        return said


@dataclass
class Paper:
    """One account on a store, and the services that write its sessions' ends."""

    store: Store
    time: Time = field(default_factory=Time)
    aws: Aws = field(default_factory=Aws)
    passes: Passes = field(default_factory=Passes)
    account_id: AccountId = field(
        default_factory=lambda: AccountId.parse(f"{secrets.randbelow(10**12):012d}")
    )

    def __post_init__(self) -> None:
        self.ends = SessionEnds(
            journal=self.store.journal,
            accounts=self.store.accounts,
            sessions=self.store.sessions,
            longest_session=4 * HOUR,
            clock=self.time,
        )
        self.probing = Probing(
            accounts=self.store.accounts,
            sessions=self.store.sessions,
            agenda=self.store.agenda,
            ends=self.ends,
            twins=Twins(
                journal=self.store.journal,
                own_access=self.aws,  # type: ignore[arg-type]
                probe=self.aws,
                clock=self.time,
            ),
            clock=self.time,
            entropy=Entropy(),
            sleep=self.time.sleep,
        )
        self.enforcing = Enforcing(
            reconcile=self.passes,  # type: ignore[arg-type]
            ends=self.ends,
        )
        self.ending = Ending(
            journal=self.store.journal,
            grants=self.store.grants,
            sessions=self.store.sessions,
            ends=self.ends,
            enforcing=self.enforcing,
            clock=self.time,
        )
        self.many = RevokeMany(
            journal=self.store.journal,
            accounts=self.store.accounts,
            grants=self.store.grants,
            gate=Gate(journal=self.store.journal, clock=self.time),
            ending=self.ending,
            ends=self.ends,
            enforcing=self.enforcing,
            clock=self.time,
        )
        self._save(an_account(self.account_id, self.time()), expected=0)

    def granted(self, **changes: Any) -> GrantId:
        """A grant that was approved now."""
        grant = Grant(
            grant_id=Entropy().grant_id(),
            account_id=self.account_id,
            ticket_id=TicketId("T-1"),
            engineer=ANN,
            access=Access.READ,
            reason="to look",
            decided=GrantState.APPROVED,
            approver="customer",
            created_at=self.time(),
            expires_at=self.time() + 8 * HOUR,
        )
        self._save(replace(grant, **changes), expected=0)
        return grant.grant_id

    def opened(
        self,
        *,
        access: Access = Access.READ,
        lasts: timedelta = HOUR,
        grant_id: GrantId = GrantId("gr-" + "0" * 20),  # noqa: B008 - a string
    ) -> SessionId:
        """A session that was opened now."""
        session = Session(
            session_id=Entropy().session_id(),
            account_id=self.account_id,
            ticket_id=TicketId("T-1"),
            engineer=ANN,
            access=access,
            grant_id=grant_id,
            role_arn="arn:aws:iam::111122223333:role/Example",
            role_session_name="ann@T-1",
            access_key_id="ASIAEXAMPLE",
            kid="kid",
            jti="jti",
            services=(),
            issued_at=self.time(),
            expires_at=self.time() + lasts,
        )
        self._save(session, expected=0)
        return session.session_id

    def end(self, *session_ids: SessionId) -> tuple[Session, ...]:
        """Revoke these, on paper."""
        return self.ends.end(self.account_id, session_ids, CALL, reason="enough")

    def end_all(self) -> tuple[Session, ...]:
        """Revoke all of the account, on paper."""
        return self.ends.end_all(self.account_id, CALL, reason="enough")

    def settle(self, **changes: Any) -> None:
        """What a good pass over the account leaves behind."""
        due = {"failures": 0, "next_check_at": self.time() + 6 * HOUR}
        self.change(**{**due, **changes})

    def change(self, **changes: Any) -> None:
        """Write the account's record."""
        stored = self.store.accounts.get(self.account_id)
        assert stored is not None
        self._save(replace(stored.record, **changes), expected=stored.version)

    def probe(self, session_id: SessionId) -> None:
        """Have the worker's handler work on the session."""
        self.probing(session_id, CALL)

    @property
    def account(self) -> Account:
        stored = self.store.accounts.get(self.account_id)
        assert stored is not None
        return stored.record

    def session(self, session_id: SessionId) -> Session:
        stored = self.store.sessions.get(session_id)
        assert stored is not None
        return stored.record

    def entries(self, action: LedgerAction) -> list[LedgerEntry]:
        """The account's entries about this, in order."""
        chain = chain_of(self.account_id)
        found = self.store.journal.entries(chain, after=0, limit=10_000)
        return [entry for entry in found if entry.action == action]

    def grant(self, grant_id: GrantId) -> Grant:
        stored = self.store.grants.get(grant_id)
        assert stored is not None
        return stored.record

    def _save(self, record: Account | Grant | Session, *, expected: int) -> None:
        event = CALL.event(LedgerAction.ACCOUNT_CHANGED, Outcome.DONE)
        self.store.journal.record(
            chain_of(self.account_id), event, now=self.time(), saves=[Save(record, expected)]
        )
