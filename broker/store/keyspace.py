"""The names of all keys.

What belongs to one account carries its hash tag, everything else the broker's, so that in a
cluster each chain and the records that change with it share a slot.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from broker.domain.identifiers import (
    AccountId,
    EngineerId,
    GrantId,
    IssuerId,
    SessionId,
    TicketId,
)
from broker.domain.ledger.entries import Chain

_NAMESPACE = re.compile(r"[a-z0-9-]{0,32}")


@dataclass(frozen=True, slots=True)
class Keyspace:
    """Key names under `brk:`; a namespace lets several brokers share one server.

    Raises ValueError for a namespace that is not up to 32 lower-case letters, digits and hyphens.
    """

    namespace: str = ""

    def __post_init__(self) -> None:
        if _NAMESPACE.fullmatch(self.namespace) is None:
            raise ValueError("a namespace is up to 32 lower-case letters, digits and hyphens")

    def _key(self, tag: str, *parts: str) -> str:
        prefix = f"brk:{self.namespace}:" if self.namespace else "brk:"
        return prefix + ":".join((f"{{{tag}}}", *parts))

    def _broker(self, *parts: str) -> str:
        return self._key("broker", *parts)

    def chain(self, chain: Chain) -> str:
        """Stream of a chain's entries; the id of entry n is `n-0`."""
        return self._key(chain, "chain")

    def head(self, chain: Chain) -> str:
        """Hash with the chain's last `seq` and `hash`."""
        return self._key(chain, "head")

    def turn(self, chain: Chain) -> str:
        """The writer that may append next, for a moment after it came too late."""
        return self._key(chain, "turn")

    def account(self, account_id: AccountId) -> str:
        """Record of an account."""
        return self._key(account_id, "account")

    def checkpoint(self, account_id: AccountId, seq: int) -> str:
        """Record of the signed head `seq` of an account's chain."""
        return self._key(account_id, "checkpoint", str(seq))

    def checkpoints(self, account_id: AccountId) -> str:
        """Sorted set of the `seq` of an account's checkpoints, by their number."""
        return self._key(account_id, "checkpoints")

    def grant(self, account_id: AccountId, grant_id: GrantId) -> str:
        """Record of a grant."""
        return self._key(account_id, "grant", grant_id)

    def grants_of(self, account_id: AccountId, engineer: EngineerId) -> str:
        """Sorted set of an engineer's grant ids, by their end in Unix milliseconds."""
        return self._key(account_id, "grants-of", engineer)

    def grants_in(self, account_id: AccountId) -> str:
        """Sorted set of the account's grants, members in the order in which they were asked for."""
        return self._key(account_id, "grants")

    def grants_by(self, engineer: EngineerId) -> str:
        """Sorted set of the engineer's grants in all accounts, in the same order."""
        return self._broker("grants-by", engineer)

    def grants_on(self, ticket_id: TicketId) -> str:
        """Sorted set of `<account id>/<grant id>` on a ticket, by their end in milliseconds."""
        return self._broker("grants-on", ticket_id)

    @property
    def grants(self) -> str:
        """Sorted set of all grants, members in the order in which they were asked for."""
        return self._broker("grants")

    @property
    def grant_accounts(self) -> str:
        """Hash from grant id to account id."""
        return self._broker("grant-accounts")

    def session(self, account_id: AccountId, session_id: SessionId) -> str:
        """Record of a session."""
        return self._key(account_id, "session", session_id)

    def sessions_in(self, account_id: AccountId) -> str:
        """Sorted set of the account's sessions, members in the order of their issue."""
        return self._key(account_id, "sessions")

    def sessions_under(self, account_id: AccountId, grant_id: GrantId) -> str:
        """Sorted set of the ids of all sessions under a grant."""
        return self._key(account_id, "sessions-under", grant_id)

    def sessions_of(self, engineer: EngineerId) -> str:
        """Sorted set of the engineer's sessions, members in the order of their issue."""
        return self._broker("sessions-of", engineer)

    @property
    def sessions(self) -> str:
        """Sorted set of all sessions, members in the order of their issue."""
        return self._broker("sessions")

    @property
    def session_accounts(self) -> str:
        """Hash from session id to account id."""
        return self._broker("session-accounts")

    @property
    def accounts(self) -> str:
        """Sorted set of all account ids."""
        return self._broker("accounts")

    @property
    def announcements(self) -> str:
        """Sorted set of account ids, by when a change was last announced (Unix microseconds)."""
        return self._broker("account-announcements")

    def issuer(self, issuer_id: IssuerId) -> str:
        """The account that an issuer id was given to, for ever."""
        return self._broker("issuer", issuer_id)

    def tallies(self, day: str) -> str:
        """Hash of a day's counts, from `<hour> <name>` to the count."""
        return self._broker("tallies", day)

    def ticket(self, ticket_id: TicketId) -> str:
        """Record of a ticket."""
        return self._broker("ticket", ticket_id)

    @property
    def tickets(self) -> str:
        """Sorted set of all ticket ids."""
        return self._broker("tickets")

    def api_token(self, token_id: str) -> str:
        """Record of an API token."""
        return self._broker("api-token", token_id)

    @property
    def api_tokens(self) -> str:
        """Sorted set of all API token ids."""
        return self._broker("api-tokens")

    @property
    def api_token_uses(self) -> str:
        """Hash from API token id to its last use in Unix milliseconds."""
        return self._broker("api-token-uses")

    def acceptance(self, fingerprint: str) -> str:
        """Mark that a credential was accepted, for a day."""
        return self._broker("acceptance", fingerprint)

    def hook(self, hook_id: str) -> str:
        """Record of one of CloudFormation's requests."""
        return self._broker("hook", hook_id)

    @property
    def agenda(self) -> str:
        """Sorted set of all tasks, by their due time in Unix milliseconds."""
        return self._broker("agenda")

    @property
    def hastened(self) -> str:
        """Hash from a task to the time that it was hastened to since it was last claimed."""
        return self._broker("agenda-hastened")

    @property
    def unsettled(self) -> str:
        """Hash from a task to the version of its record that was announced last."""
        return self._broker("agenda-unsettled")

    def claim(self, mark: str) -> str:
        """List of the tasks that one claim got, for a moment, should its answer get lost."""
        return self._broker("agenda-claim", mark)

    def approval_link(self, digest: str) -> str:
        """What an approval link is for, while it can be used."""
        return self._broker("approval-link", digest)

    def webhook_cursors(self, endpoint: str) -> str:
        """Hash from chain to how far an endpoint has been told of it."""
        return self._broker("webhook-cursors", endpoint)

    def webhook_queue(self, endpoint: str) -> str:
        """Sorted set of chains that an endpoint may have to be told of, by when they are due."""
        return self._broker("webhook-queue", endpoint)

    def webhook_take(self, mark: str) -> str:
        """The chain that one take got, for a moment, should its answer get lost."""
        return self._broker("webhook-take", mark)

    @property
    def webhooks_begun(self) -> str:
        """Set of the endpoints that have started in every chain that existed."""
        return self._broker("webhooks-begun")

    @property
    def webhook_outages(self) -> str:
        """Hash from endpoint to its outage."""
        return self._broker("webhook-outages")

    def lease(self, name: str) -> str:
        """Hash with a lease's holder and fencing number, while it holds."""
        return self._broker("lease", name)

    @property
    def fencing(self) -> str:
        """The last fencing number given out, of any lease."""
        return self._broker("fencing")

    def window(self, counted: str, subject: str) -> str:
        """Sorted set of the places taken in a sliding window, by Unix microseconds.

        Subjects come from outside and may be of any form, so they are hashed.
        """
        return self._broker("window", counted, hashlib.sha256(subject.encode()).hexdigest())

    def refused_window(self, counted: str, subject: str) -> str:
        """Mark of the first refusal in a stretch as long as a window's period, while that lasts."""
        return f"{self.window(counted, subject)}:refused"

    def browser_session(self, digest: str) -> str:
        """A browser's session, under the SHA-256 of its cookie, while it lasts."""
        return self._broker("browser-session", digest)

    def ended_browser_session(self, digest: str) -> str:
        """A browser's session that was signed out of, for as long as that is remembered."""
        return self._broker("ended-browser-session", digest)

    def sign_in_attempt(self, digest: str) -> str:
        """Somebody on their way to the provider, under the SHA-256 of their cookie."""
        return self._broker("sign-in-attempt", digest)

    def answer(self, idempotency_key: str) -> str:
        """Hash with the answer to a request; callers choose their keys, so they are hashed."""
        return self._broker("answer", hashlib.sha256(idempotency_key.encode()).hexdigest())
