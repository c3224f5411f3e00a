"""Twins: sessions of the broker's own that do nothing but ask AWS whether it lets them in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from broker.domain.accounts import Account
from broker.domain.grants import Access
from broker.domain.ledger.entries import LedgerAction, Outcome, chain_of
from broker.domain.ports import Journal, Probe
from broker.domain.probing import PROBED_ACTIONS
from broker.domain.sessions import Credentials
from broker.domain.trail.own_sessions import OwnSession
from broker.errors import BrokerError
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.issuer.own_access import OwnAccess


@dataclass(slots=True)
class Twin:
    """One such session, and what AWS said last."""

    probe: Probe
    access: Access
    credentials: Credentials = field(repr=False)
    refused: bool = False

    def ask(self) -> bool:
        """Whether AWS refuses it now. Raises like `Probe.is_refused`."""
        self.refused = self.probe.is_refused(self.credentials, self.access)
        return self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Opens them; the account's ledger names each, before and after."""

    journal: Journal
    own_access: OwnAccess
    probe: Probe
    clock: Clock

    @contextmanager
    def opened(
        self, account: Account, access: Access, own: OwnSession, call: Call
    ) -> Iterator[Twin]:
        """A session as `own` says, good for one harmless action of the role for `access`.

        Raises UpstreamRejected and DependencyUnavailable like `OwnAccess.credentials`: a refusal
        of the exchange says nothing about sessions that are alive.
        """
        self._record(account, own, call, Outcome.INTENDED)
        keys: list[str] = []
        try:
            credentials = self.own_access.credentials(
                account,
                access=access,
                actions=[PROBED_ACTIONS[access]],
                engineer=own.engineer,
                ticket_id=own.ticket_id,
                session_id=own.session_id,
            )
            keys.append(credentials.access_key_id)
            twin = Twin(self.probe, access, credentials)
            yield twin
        except BrokerError as e:
            self._record(account, own, call, Outcome.FAILED, keys=keys, reason=e.code)
            raise
        found = "refused" if twin.refused else "let in"
        self._record(account, own, call, Outcome.DONE, keys=keys, reason=found)

    def _record(
        self,
        account: Account,
        own: OwnSession,
        call: Call,
        outcome: Outcome,
        *,
        keys: list[str] | None = None,
        reason: str | None = None,
    ) -> None:
        event = call.event(
            LedgerAction.REVOCATION_PROBED,
            outcome,
            reason=reason,
            ids={"ticket": own.ticket_id, **own.ids},
            details=own.details(keys or []),
        )
        self.journal.record(chain_of(account.account_id), event, now=self.clock())
