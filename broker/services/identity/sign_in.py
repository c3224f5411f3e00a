"""Signing in through the organisation's OpenID provider, in a browser, and signing out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from broker.domain.identity.browser_sessions import (
    BrowserSecret,
    LocalPath,
    Purpose,
    SignInAttempt,
)
from broker.domain.identity.identity_claims import Identity, IdentityRefused
from broker.domain.identity.openid_provider import CodeRefused
from broker.domain.identity.permissions import Caller, EstablishedBy
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, Outcome
from broker.domain.limits import Counted, Full, Limit, Window, network_of
from broker.domain.ports import (
    BrowserSessionRepository,
    CodeFlow,
    Journal,
    WindowRepository,
)
from broker.errors import BrokerError, Unauthenticated
from broker.services.ambient import Clock, Entropy
from broker.services.calls import Call
from broker.services.identity.authentication import (
    CredentialKind,
    CredentialRefused,
    Origin,
    Presented,
    TurnedAway,
)
from broker.services.identity.browser_sessions import BrowserSessions
from broker.services.identity.identity_tokens import IdentityTokens, refusal_of
from broker.services.identity.people import People


class CredentialWatch(Protocol):
    """Counting and recording what is not accepted, and knowing what is, as for every credential."""

    def refused(
        self, refusal: CredentialRefused, presented: Presented, origin: Origin
    ) -> BrokerError:
        """The error to raise; the refusal is counted and in the ledger."""
        ...

    def turned_away(self, refusal: TurnedAway, presented: Presented, origin: Origin) -> BrokerError:
        """The same for somebody who is known and has no role."""
        ...

    def handed_out(self, presented: Presented, origin: Origin) -> None:
        """Know the credential that somebody has just been given."""
        ...

    def limited(self, full: Full, presented: Presented, origin: Origin) -> BrokerError:
        """The same where there was too much of something."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Where a browser goes to sign in, and what it keeps until it comes back."""

    url: str
    secret: BrowserSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What a browser brings back from the provider. Nothing of it is believed yet."""

    secret: BrowserSecret | None
    state: str
    code: str | None = field(repr=False)
    failed: bool
    """The provider says that it did not work; in which words is not repeated to anybody."""
    issuer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody has signed in: where they wanted to go, and what their browser keeps from now."""

    secret: BrowserSecret
    return_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The code flow from beginning to end."""

    flow: CodeFlow
    identity_tokens: IdentityTokens
    people: People
    browser_sessions: BrowserSessions
    attempts: BrowserSessionRepository
    credential_watch: CredentialWatch
    windows: WindowRepository
    begun_per_address: Limit
    journal: Journal
    clock: Clock
    entropy: Entropy

    def begin(self, return_to: LocalPath, origin: Origin) -> Departure:
        """Send somebody to the provider.

        Raises RateLimited where one address begins too often, and DependencyUnavailable.
        """
        network = network_of(origin.source_address)
        window = Window(Counted.SIGN_INS_BEGUN_FROM_ADDRESS, network, self.begun_per_address)
        full = self.windows.take(window)
        if full is not None:
            raise self.credential_watch.limited(full, Presented(CredentialKind.SIGN_IN, ""), origin)
        secret = self.entropy.browser_secret()
        url = self.flow.authorization_url(secret)
        self.attempts.begin(
            SignInAttempt(digest=secret.digest, return_to=return_to, begun_at=self.clock())
        )
        return Departure(url=url, secret=secret)

    def complete(
        self, callback: Callback, origin: Origin, *, earlier: BrowserSecret | None
    ) -> SignedIn:
        """Take somebody back, with a session that is new; that of the `earlier` cookie ends.

        Raises Unauthenticated, AccessDenied and RateLimited, each in the ledger, and
        DependencyUnavailable.
        """
        presented = Presented(CredentialKind.SIGN_IN, callback.state)
        try:
            attempt, identity = self._identified(callback)
            caller = self.people.caller(
                identity.subject,
                identity.groups,
                established_by=EstablishedBy.BROWSER,
                until=self.clock() + self.browser_sessions.limits.idle,
            )
        except CredentialRefused as e:
            raise self.credential_watch.refused(e, presented, origin) from e
        except TurnedAway as e:
            raise self.credential_watch.turned_away(e, presented, origin) from e
        self._record(caller, origin)
        if earlier is not None:
            self.browser_sessions.end(earlier)
        secret = self.browser_sessions.open(identity)
        self.credential_watch.handed_out(
            Presented(CredentialKind.BROWSER_SESSION, secret.text), origin
        )
        return SignedIn(secret=secret, return_to=attempt.return_to)

    def end(self, secret: BrowserSecret, call: Call) -> None:
        """Sign out: from now on the browser's session is refused everywhere."""
        if self.browser_sessions.end(secret) is not None:
            event = call.event(LedgerAction.SIGNED_OUT, Outcome.DONE)
            self.journal.record(BROKER_CHAIN, event, now=self.clock())

    def _identified(self, callback: Callback) -> tuple[SignInAttempt, Identity]:
        attempt, secret = self._attempt(callback)
        if not self.flow.names_issuer(callback.issuer):
            raise _refused("sign_in_of_another_provider")
        if callback.failed or callback.code is None:
            raise _refused("provider_refused", "Your provider did not sign you in. Try again.")
        try:
            identity_token = self.flow.redeem(callback.code, secret)
            nonce = secret.derived(Purpose.NONCE)
            return attempt, self.identity_tokens.verify(identity_token, nonce=nonce)
        except CodeRefused as e:
            raise _refused("code_refused") from e
        except IdentityRefused as e:
            raise refusal_of(e.fault) from e

    def _attempt(self, callback: Callback) -> tuple[SignInAttempt, BrowserSecret]:
        """The attempt that this browser began, which nobody gets a second time."""
        secret = callback.secret
        if secret is None:
            raise _refused("sign_in_not_begun")
        if not secret.matches(Purpose.STATE, callback.state):
            # The attempt stays: somebody else's link must not spoil one that is under way.
            raise _refused("sign_in_of_another_browser")
        attempt = self.attempts.take(secret.digest)
        if attempt is None or not attempt.good_at(self.clock()):
            raise _refused("sign_in_over")
        return attempt, secret

    def _record(self, caller: Caller, origin: Origin) -> None:
        event = origin.call(caller).event(
            LedgerAction.SIGNED_IN,
            Outcome.DONE,
            details={
                "roles": sorted(role.value for role in caller.roles),
                "accounts": sorted(str(account_id) for account_id in caller.account_ids),
            },
        )
        self.journal.record(BROKER_CHAIN, event, now=self.clock())


def _refused(
    reason: str,
    sentence: str = "This sign-in did not begin in this browser, or is over. Begin anew.",
) -> CredentialRefused:
    return CredentialRefused(reason, answer=Unauthenticated(sentence, extra={"reason": reason}))
