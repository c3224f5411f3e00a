"""Whatever is asked in whatever order: what has ended stays ended, and is decided on once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.domain.accounts import Consent
from broker.domain.grant_decisions import GrantRequest, Verdict
from broker.domain.grants import Access, Grant, GrantState, Urgency
from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerEntry, chain_of
from broker.domain.ports import Save
from broker.domain.tickets import TicketStatus
from broker.errors import AccessDenied, Conflict
from broker.services.ambient import utc_now
from broker.services.calls import Call
from broker.services.observations import Unobserved
from broker.settings import load
from broker.wiring import Services, build
from broker.wiring.access import Granting
from tests.contract.store_samples import a_ticket, an_account, an_event

JANE = EngineerId("jane@vendor.example")
TICKET = TicketId("T-0001")
EVERYTHING = frozenset(Role) - {Role.CUSTOMER}
LIVE = (GrantState.REQUESTED, GrantState.APPROVED)
EMERGENCY = "The database of the customer is down and nobody answers"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The real services on a store of their own; no AWS is asked where no session was opened."""
    folder = tmp_path_factory.mktemp("histories")
    built = build(
        load(
            {
                "BROKER_ISSUER_URL": "https://broker.example.com",
                "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
                "BROKER_STORE_URL": f"embedded:{folder / 'store'}",
                "BROKER_KEY_PROVIDER": "local",
                "BROKER_LOCAL_KEYS_FOLDER": str(folder / "keys"),
                "BROKER_LOCAL_KEYS_PASSPHRASE": "a passphrase of the tests",
                "BROKER_ALLOW_LOCAL_KEYS_FOR_PUBLIC_ISSUER": "true",
                "BROKER_LIMIT_SESSIONS_PER_ENGINEER": "1000000/60",
                "BROKER_LIMIT_SESSIONS_PER_CALLER": "1000000/60",
                "BROKER_LIMIT_SESSIONS_PER_ACCOUNT": "1000000/60",
                "BROKER_LIMIT_SESSIONS_OVERALL": "1000000/60",
                "BROKER_LIMIT_BREAK_GLASS_PER_ENGINEER": "1000000/60",
            }
        ),
        Unobserved(),
    )
    yield built
    built.close()


def on_clock(granting: Granting, clock: Callable[[], datetime]) -> Granting:
    """Everything about grants on this clock."""
    grants = replace(granting.grants, clock=clock)
    ending = replace(granting.decide.ending, clock=clock)  # type: ignore[type-var]
    return replace(
        granting,
        grants=grants,
        request=replace(granting.request, clock=clock),
        decide=replace(granting.decide, grants=grants, ending=ending, clock=clock),
    )


@dataclass
class History:
    """One account in which things happen one after the other, and what was seen of its grants."""

    services: Services
    account_id: AccountId
    ahead: timedelta = timedelta()
    seen: dict[GrantId, list[Grant]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        store = self.services.store
        account = an_account(self.account_id, consent=Consent.PER_GRANT)
        self.write(chain_of(self.account_id), Save(account, expected=0))
        self.granting = on_clock(self.services.granting, self.now)
        if store.tickets.get(self.ticket_id) is None:
            ticket = a_ticket(
                ticket_id=self.ticket_id, account_ids=(self.account_id,), assignees=()
            )
            self.write(BROKER_CHAIN, Save(ticket, expected=0))

    @property
    def ticket_id(self) -> TicketId:
        return TicketId(f"T-{self.account_id}")

    def now(self) -> datetime:
        return utc_now() + self.ahead

    def write(self, chain: str, save: Save) -> None:
        self.services.store.journal.record(chain, an_event(), now=utc_now(), saves=[save])  # type: ignore[arg-type]

    def ask(self, subject: str, urgency: Urgency) -> None:
        request = GrantRequest(
            account_id=self.account_id,
            ticket_id=self.ticket_id,
            engineer=JANE,
            access=Access.READ,
            reason=EMERGENCY,
            duration=timedelta(minutes=30),
            urgency=urgency,
        )
        grant = self.granting.request(request, call(subject))
        self.seen.setdefault(grant.grant_id, [])

    def close_or_open_ticket(self) -> None:
        stored = self.services.store.tickets.get(self.ticket_id)
        assert stored is not None
        is_open = stored.record.status is TicketStatus.OPEN
        turned = replace(
            stored.record, status=TicketStatus.CLOSED if is_open else TicketStatus.OPEN
        )
        self.write(BROKER_CHAIN, Save(turned, expected=stored.version))

    def change_consent(self, consent: Consent) -> None:
        stored = self.services.store.accounts.get(self.account_id)
        assert stored is not None
        changed = replace(stored.record, consent=consent)
        self.write(chain_of(self.account_id), Save(changed, expected=stored.version))

    def look(self) -> None:
        """Note every grant as it is now."""
        for grant_id, versions in self.seen.items():
            stored = self.services.store.grants.get(grant_id)
            assert stored is not None
            versions.append(replace(stored.record, decided=stored.record.state_at(self.now())))

    def entries(self) -> list[LedgerEntry]:
        journal = self.services.store.journal
        return list(journal.entries(chain_of(self.account_id), after=0, limit=10_000))


def call(subject: str) -> Call:
    """Somebody with every role: only the rules about grants themselves stand in the way."""
    caller = Caller(subject=subject, roles=EVERYTHING)
    return Call(caller=caller, request_id=secrets.token_hex(6), source_address="local")


PEOPLE = st.sampled_from([JANE, "carl@customer.example", "cleo@customer.example"])
WHICH = st.integers(0, 3)
STEPS = st.one_of(
    st.tuples(st.just("ask"), PEOPLE, st.sampled_from(Urgency)),
    st.tuples(st.just("decide"), PEOPLE, WHICH, st.sampled_from(Verdict)),
    st.tuples(st.just("revoke"), PEOPLE, WHICH),
    st.tuples(st.just("wait"), st.sampled_from([1, 25, 31, 24 * 60])),
    st.tuples(st.just("ticket")),
    st.tuples(st.just("consent"), st.sampled_from(Consent)),
)


def take(history: History, step: tuple) -> None:
    """Do it; being refused is no event of interest here."""
    ids = list(history.seen)
    with suppress(AccessDenied, Conflict):
        match step:
            case ("ask", subject, urgency):
                history.ask(subject, urgency)
            case ("decide", subject, which, verdict) if which < len(ids):
                history.granting.decide.decide(ids[which], verdict, call(subject), reason="")
            case ("revoke", subject, which) if which < len(ids):
                history.granting.decide.revoke(ids[which], call(subject), reason="")
            case ("wait", minutes):
                history.ahead += timedelta(minutes=minutes)
            case ("ticket",):
                history.close_or_open_ticket()
            case ("consent", consent):
                history.change_consent(consent)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEPS, min_size=3, max_size=15))
def test_no_history_revives_moves_or_decides_twice(services: Services, steps: list) -> None:
    """Every grant is looked at after each step, and the ledger in the end."""
    history = History(services, AccountId(f"{secrets.randbelow(10**12):012d}"))
    for step in (("ask", JANE, Urgency.ROUTINE), *steps):
        take(history, step)
        history.look()
    for versions in history.seen.values():
        for before, after in pairwise(versions):
            stays_ended(before, after)
            end_stays(before, after)
        assert JANE not in {version.approver for version in versions}
    decided_once(history)


def stays_ended(before: Grant, after: Grant) -> None:
    """No way leads back from an end, nor from one decision to the other."""
    onward = {
        GrantState.REQUESTED: set(GrantState),
        GrantState.APPROVED: {GrantState.APPROVED, GrantState.REVOKED, GrantState.EXPIRED},
    }
    assert after.decided in onward.get(before.decided, {before.decided})


def end_stays(before: Grant, after: Grant) -> None:
    """What was decided on ends when it was said to, or earlier by revocation."""
    if before.decided is not GrantState.REQUESTED:
        assert after.expires_at == before.expires_at
        assert (after.approver, after.duration) == (before.approver, before.duration)


def decided_once(history: History) -> None:
    """The ledger holds one decision at most for each grant, by the one whom the grant names."""
    for grant_id, versions in history.seen.items():
        decisions = [
            entry
            for entry in history.entries()
            if entry.ids.get("grant") == grant_id
            and entry.outcome == "done"
            and entry.action in ("grant.decided", "grant.glass_broken")
        ]
        approver = versions[-1].approver
        assert len(decisions) == (0 if approver is None else 1)
        if decisions and decisions[0].action == "grant.decided":
            assert decisions[0].details["approver"] == approver
