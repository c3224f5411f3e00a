"""The doctor: everything that a session needs, looked at in order, each with its mend.

Nothing that it meets stops it: a check that cannot run says so, and the next one is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog

from broker.domain.accounts import Account, AccountState
from broker.domain.diagnosis import Check, Diagnosis
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action
from broker.domain.ports import AccountRepository
from broker.errors import BrokerError, DependencyUnavailable
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.diagnosis.enforcement import EnforcementExamination
from broker.services.diagnosis.estate import EstateExamination
from broker.services.diagnosis.publication import PublicationExamination
from broker.services.diagnosis.signing import SigningExamination
from broker.services.diagnosis.surroundings import Surroundings
from broker.services.diagnosis.time_limit import within
from broker.services.registered import registered

LIMIT = timedelta(seconds=20)
"""For one examination: more than AWS's clients wait, their usual retries included."""

TOTAL = timedelta(seconds=55)
"""For all of them: less than the command-line client waits for an answer."""

_GONE = (AccountState.REMOVING, AccountState.REMOVED)
_SAMPLE = 20
"""Accounts among which one is looked for that can stand for all."""

_log = structlog.get_logger(__name__)

Examination = Callable[[], Iterable[Check]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Examines the broker, and one account where one is named."""

    accounts: AccountRepository
    gate: Gate
    surroundings: Surroundings
    signing: SigningExamination
    publication: PublicationExamination
    estate: EstateExamination
    enforcement: EnforcementExamination
    monotonic: Callable[[], float] = time.monotonic

    def diagnose(self, account_id: AccountId, call: Call) -> Diagnosis:
        """Everything, for a caller of the API. Raises AccessDenied, NotFound."""
        self.gate.require(call, Action.DIAGNOSE_ACCOUNT, account_id=account_id)
        registered(self.accounts, account_id)
        return Diagnosis(tuple(self.examine(account_id, call)))

    def examine(self, account_id: AccountId | None, call: Call) -> Iterator[Check]:
        """Each check as soon as it is made, for the operator at the machine. Never raises."""
        turn = _Turn(self.monotonic() + TOTAL.total_seconds(), self.monotonic)
        found = _Found()
        for name, examination in self._examinations(account_id, call, found):
            yield from turn.take(name, examination)

    def _examinations(
        self, account_id: AccountId | None, call: Call, found: _Found
    ) -> Iterator[tuple[str, Examination]]:
        yield "settings", self.surroundings.settings
        yield "store", self.surroundings.store_health
        yield "AWS credentials", self.surroundings.own_identity
        yield "certificate", self.surroundings.certificate
        if account_id is None:
            yield "issuer", partial(self._sampled, found)
        else:
            yield "account", partial(self._looked_up, account_id, found)
        account = found.account
        if account is None:
            return
        keys = self.signing.described if account_id is None else self.signing.usable
        yield "signing keys", partial(keys, account)
        yield "discovery document", partial(self.publication.discovery, account)
        yield "published keys", partial(self.publication.keys, account)
        if account_id is not None:
            yield "management role", partial(self.estate.way_in, account)
            yield "account's IAM", partial(self.estate.standing, account)
            yield "canaries", partial(self.enforcement.enforced, account, call)

    def _looked_up(self, account_id: AccountId, found: _Found) -> Iterator[Check]:
        stored = self.accounts.get(account_id)
        if stored is None:
            yield Check.failed(
                "account",
                f"{account_id} is not registered.",
                meaning="The broker knows nothing of it, so there is nothing to look at.",
                mend=f"`broker accounts add {account_id} --customer NAME` registers it.",
            )
            return
        if stored.record.state not in _GONE:
            found.account = stored.record
        yield _record(stored.record)

    def _sampled(self, found: _Found) -> Iterator[Check]:
        """Any account whose issuer AWS must find: what its documents are like holds for all."""
        page = self.accounts.page(cursor=None, limit=_SAMPLE)
        found.account = next((one for one in page.items if one.state not in _GONE), None)
        if found.account is not None:
            yield Check.ok("issuer", f"That of {found.account.account_id} stands for all.")
        else:
            yield Check.warning(
                "issuer",
                "No account is registered, so no key is published that could be fetched.",
                meaning="Whether AWS can reach the issuers will show with the first account.",
                mend="Register one, and run this again with its id.",
            )


def _record(account: Account) -> Check:
    name = "account"
    match account.state:
        case AccountState.ACTIVE:
            return Check.ok(name, f"It is active, with consent {account.consent.value}.")
        case AccountState.REGISTERED:
            return Check.warning(
                name,
                "It is registered; no stack is known in the customer's account.",
                meaning="No session can be opened yet.",
                mend="Have the customer click the launch link, then "
                f"`broker accounts sync {account.account_id}`.",
            )
        case AccountState.REMOVING | AccountState.REMOVED:
            return Check.not_run(
                name,
                f"It is {account.state.value}, so nothing of ours should be there.",
                mend="Where it should be served again, register it anew.",
            )
        case _:
            return Check.warning(
                name,
                f"It is {account.state.value}: {account.last_error or 'a pass is under way'}",
                meaning="No session can be opened.",
                mend="See to what fails below; the broker tries again by itself.",
            )


@dataclass(slots=True)
class _Found:
    """The account that an examination found, for those that follow."""

    account: Account | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """The examinations of one diagnosis, in what is left of its time."""

    ends_at: float
    monotonic: Callable[[], float] = field(repr=False)

    def take(self, name: str, examination: Examination) -> tuple[Check, ...]:
        """What the examination found; where it found nothing out, one check that says why."""
        try:
            return within(min(LIMIT, self._left()), lambda: tuple(examination()))
        except TimeoutError:
            found = "It was not done in time."
            mend = "Try again; where it stays so, see what in this row cannot be reached."
        except DependencyUnavailable as e:
            found, mend = e.public_message, "Try again once it answers."
        except BrokerError as e:
            found, mend = e.public_message, "See to that, then try again."
        except Exception:
            # A doctor who faints helps nobody: the other checks are made all the same, and what
            # was not foreseen goes to the log with its trace.
            _log.exception("check_failed", check=name)
            found, mend = "The check itself failed.", "The log has the reason; report it."
        return (Check.not_run(name, found, mend=mend),)

    def _left(self) -> timedelta:
        """Raises TimeoutError where nothing is left: nothing is begun that nobody waits for."""
        left = timedelta(seconds=self.ends_at - self.monotonic())
        if left <= timedelta(0):
            raise TimeoutError
        return left
