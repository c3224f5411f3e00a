"""Who is calling: each kind of credential has its authenticator, and wrong ones are counted.

A wrong credential is a guess and counts by where it comes from. One that was right once (expired,
revoked, signed out) is no guess and counts by itself, so that it locks nobody else out. What stands
in the ledger is bounded by the same limits: one entry for each place, and one a stretch for what
found none. See docs/decisions/0010.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn, Protocol

from broker.domain.identifiers import NOBODY
from broker.domain.identity.permissions import Caller
from broker.domain.ledger.entries import BROKER_CHAIN, Event, LedgerAction, Outcome
from broker.domain.limits import Counted, Full, Limit, Window, network_of
from broker.domain.ports import Journal, WindowRepository
from broker.errors import AccessDenied, RateLimited, Unauthenticated
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.identity.acceptances import Acceptances
from broker.services.limiting import rate_limited


class CredentialKind(StrEnum):
    """How a credential is presented; the value stands in the ledger."""

    API_TOKEN = "api_token"  # noqa: S105 - the name of a kind, not a secret
    IDENTITY_TOKEN = "identity_token"  # noqa: S105 - the name of a kind, not a secret
    BROWSER_SESSION = "browser_session"
    SIGN_IN = "sign_in"
    """What a browser brings back from the provider."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential as it came, believed by nobody yet."""

    kind: CredentialKind
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request comes from, before anybody knows from whom."""

    request_id: str
    source_address: str

    def call(self, caller: Caller) -> Call:
        """The request, now that it is known from whom."""
        return Call(caller=caller, request_id=self.request_id, source_address=self.source_address)


class Ending(StrEnum):
    """How a credential that was good ended; told only to who presented all of it."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    SIGNED_OUT = "signed_out"


class CredentialRefused(Exception):
    """A credential is not accepted.

    `reason` and `ids` are for the ledger. `ending` says that it was right once: only whoever
    presented the right secret, or a good signature, may be told so. `ids` then name it.
    `answer` is what to tell where that is more than the kind's usual sentence.
    """

    def __init__(
        self,
        reason: str,
        *,
        ids: Mapping[str, str] | None = None,
        ending: Ending | None = None,
        answer: Unauthenticated | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ids = dict(ids or {})
        self.ending = ending
        self.answer = answer


class TurnedAway(Exception):
    """A credential is good, and whoever presents it has no role here."""

    def __init__(self, subject: str, reason: str, *, answer: AccessDenied) -> None:
        super().__init__(reason)
        self.subject = subject
        self.reason = reason
        self.answer = answer


class Authenticator(Protocol):
    """Verifies credentials of one kind."""

    def authenticate(self, credential: str) -> Caller:
        """Who presents `credential`. Raises CredentialRefused and TurnedAway."""
        ...

    def remembered_by(self, credential: str) -> str:
        """What a later credential of the same bearer is known again by; nothing is verified yet.

        For a secret that is the credential itself. A signed token, which is new each hour, is
        better known by the subject that it claims.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLimits:
    """How many wrong credentials are looked at, from one address and in all."""

    per_address: Limit
    overall: Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """Turns a presented credential into a caller."""

    authenticators: Mapping[CredentialKind, Authenticator]
    acceptances: Acceptances
    journal: Journal
    windows: WindowRepository
    limits: SignInLimits
    clock: Clock

    def __call__(self, presented: Presented, origin: Origin) -> Call:
        """The call that is being made.

        Raises Unauthenticated for a credential that is not accepted, AccessDenied for a bearer
        who has no role, and RateLimited where too many were wrong. All of them are in the ledger
        then, within the bounds of the limits.
        """
        authenticator = self._authenticator(presented.kind)
        fingerprint = _fingerprint(authenticator, presented, origin)
        if not self.acceptances.is_recent(fingerprint):
            self._require_trust(presented, origin, fingerprint)
        try:
            caller = authenticator.authenticate(presented.text)
        except CredentialRefused as e:
            raise self.refused(e, presented, origin) from e
        except TurnedAway as e:
            raise self.turned_away(e, presented, origin) from e
        self.acceptances.note(fingerprint, api_token_id=caller.api_token_id)
        return origin.call(caller)

    def handed_out(self, presented: Presented, origin: Origin) -> None:
        """Know a credential that the broker itself has just given to somebody at `origin`.

        It is no guess, so whoever else guesses from there does not keep it from being verified, in
        any process, once this returns.
        """
        authenticator = self._authenticator(presented.kind)
        self.acceptances.note(_fingerprint(authenticator, presented, origin), api_token_id=None)
        self.acceptances.flush()

    def _authenticator(self, kind: CredentialKind) -> Authenticator:
        return self.authenticators.get(kind) or _NotTaken(kind)

    def _require_trust(self, presented: Presented, origin: Origin, fingerprint: str) -> None:
        """Refuse to verify anything new from an address of too many wrong credentials."""
        full = self.windows.look(self._from_address(origin))
        if full is not None and not self.acceptances.knows(fingerprint):
            raise self.limited(full, presented, origin)

    def refused(
        self, refusal: CredentialRefused, presented: Presented, origin: Origin
    ) -> Unauthenticated | RateLimited:
        """Count the refusal, record it, and return the error that tells the caller."""
        full = self.windows.take(*self._counted_by(refusal, presented, origin))
        if full is not None:
            return self.limited(full, presented, origin)
        self._record(presented, origin, reason=refusal.reason, ids=refusal.ids)
        if refusal.answer is not None:
            return refusal.answer
        if refusal.ending is None:
            return Unauthenticated(_SENTENCES[presented.kind])
        return Unauthenticated(_ENDED[refusal.ending], extra={"reason": refusal.ending.value})

    def turned_away(
        self, refusal: TurnedAway, presented: Presented, origin: Origin
    ) -> AccessDenied | RateLimited:
        """The same for somebody who is known: that is no guess, and counts by who it is."""
        window = Window(Counted.USES_OF_ENDED_CREDENTIAL, refusal.subject, self.limits.per_address)
        full = self.windows.take(window)
        if full is not None:
            return self.limited(full, presented, origin)
        self.journal.record(
            BROKER_CHAIN,
            Event(
                actor=refusal.subject,
                action=LedgerAction.ACCESS_REFUSED,
                outcome=Outcome.REFUSED,
                reason=refusal.reason,
                ids={"request": origin.request_id},
                details=_details(presented, origin),
            ),
            now=self.clock(),
        )
        return refusal.answer

    def _counted_by(
        self, refusal: CredentialRefused, presented: Presented, origin: Origin
    ) -> tuple[Window, ...]:
        if refusal.ending is not None:
            name = hashlib.sha256(presented.text.encode()).hexdigest()
            return (Window(Counted.USES_OF_ENDED_CREDENTIAL, name, self.limits.per_address),)
        overall = Window(Counted.FAILED_SIGN_INS_OVERALL, "all", self.limits.overall)
        return (self._from_address(origin), overall)

    def _from_address(self, origin: Origin) -> Window:
        network = network_of(origin.source_address)
        return Window(Counted.FAILED_SIGN_INS_FROM_ADDRESS, network, self.limits.per_address)

    def limited(self, full: Full, presented: Presented, origin: Origin) -> RateLimited:
        """The error for a full window, which the ledger hears of once in a stretch."""
        if full.first:
            ids = {"limit": full.window.counted.value}
            self._record(presented, origin, reason=RateLimited.code, ids=ids)
        return rate_limited(full)

    def _record(
        self, presented: Presented, origin: Origin, *, reason: str, ids: Mapping[str, str]
    ) -> None:
        self.journal.record(
            BROKER_CHAIN,
            Event(
                actor=NOBODY,
                action=LedgerAction.AUTHENTICATION_REFUSED,
                outcome=Outcome.REFUSED,
                reason=reason,
                ids={"request": origin.request_id, **ids},
                details=_details(presented, origin),
            ),
            now=self.clock(),
        )


_SENTENCES = {
    CredentialKind.API_TOKEN: (
        "The API token is unknown, expired or revoked. Send `Authorization: Bearer <token>`."
    ),
    CredentialKind.IDENTITY_TOKEN: (
        "The credential is not accepted. Send an API token, or an ID token of your organisation's "
        "provider that was made for this service."
    ),
    CredentialKind.BROWSER_SESSION: "Your sign-in is not known here any more. Sign in again.",
    CredentialKind.SIGN_IN: "The sign-in did not succeed. Begin anew.",
}
_ENDED = {
    Ending.EXPIRED: "The credential has expired. Use a new one.",
    Ending.REVOKED: "The credential was revoked. Use another one.",
    Ending.SIGNED_OUT: "You have signed out. Sign in again.",
}


def _details(presented: Presented, origin: Origin) -> dict[str, str]:
    return {"source_address": origin.source_address, "credential": presented.kind.value}


@dataclass(frozen=True, slots=True)
class _NotTaken:
    """Stands for the authenticator of a kind that this broker is not configured for."""

    kind: CredentialKind

    def authenticate(self, credential: str) -> NoReturn:
        del credential
        raise CredentialRefused(f"{self.kind.value}_not_taken")

    def remembered_by(self, credential: str) -> str:
        return credential


def _fingerprint(authenticator: Authenticator, presented: Presented, origin: Origin) -> str:
    """What is remembered of a credential at an address; nobody gets back from it to either."""
    remembered_by = authenticator.remembered_by(presented.text)
    parts = (presented.kind.value, network_of(origin.source_address), remembered_by)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
