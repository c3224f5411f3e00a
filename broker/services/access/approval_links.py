"""Approval links: a chat tool shows them, the approver follows one, signs in and decides, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from broker.domain.access import Reason
from broker.domain.approval_links import LIVES, PATH, ApprovalLink, link_hash
from broker.domain.grant_decisions import Verdict, is_own, same_person
from broker.domain.grants import Grant, GrantState
from broker.domain.identifiers import EngineerId, GrantId
from broker.domain.identity.permissions import Action, EstablishedBy, permits
from broker.domain.ledger.entries import BROKER_CHAIN, chain_of
from broker.domain.ports import ApprovalLinkRepository, Journal
from broker.domain.refusals import refusal
from broker.errors import AccessDenied, BrokerError, Conflict, Gone
from broker.services.access import grant_entries as entries
from broker.services.access.grant_decisions import DecideGrants
from broker.services.access.grants import Grants
from broker.services.ambient import Clock, Entropy
from broker.services.calls import Call

_NOT_SIGNED_IN, _FOR_ANOTHER = "sign_in_required", "link_for_another"
_WHY_NOT_FOLLOWED = {
    _NOT_SIGNED_IN: "A link is followed in a browser, by somebody who has signed in there.",
    _FOR_ANOTHER: "This link is for somebody else, who has to follow it themselves.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLink:
    """A link just made: its address is handed out now and never again."""

    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLinks:
    """Makes links, shows what they are for, and decides through them."""

    journal: Journal
    links: ApprovalLinkRepository
    grants: Grants
    decide_grants: DecideGrants
    base_url: str | None
    """Where people reach the broker; None where nobody can sign in there."""
    clock: Clock
    entropy: Entropy

    def make(self, grant_id: GrantId, approver: EngineerId, call: Call) -> MadeLink:
        """A link for `approver` to decide on the request through.

        Whether they may is looked at when they follow it. Raises AccessDenied and NotFound, and
        Conflict (`grant_already_decided`, `sign_in_not_configured`); each is in the ledger.
        """
        grant = self.grants.required(grant_id, Action.OFFER_APPROVAL, call).record
        chain, now = chain_of(grant.account_id), self.clock()
        refusal = self._refusal(grant, approver, now=now)
        if refusal is not None:
            refused = entries.link_refused(call, grant, approver=approver, reason=refusal.code)
            self.journal.record(chain, refused, now=now)
            raise refusal
        made = entries.link_made(call, grant, approver=approver)
        self.journal.record(chain, made, now=now)
        secret, expires_at = self.entropy.approval_link(), now + LIVES
        link = ApprovalLink(
            grant_id=grant_id,
            account_id=grant.account_id,
            approver=approver,
            made_by=call.caller.subject,
            expires_at=expires_at,
        )
        self.links.keep(link_hash(secret), link)
        return MadeLink(url=f"{self.base_url}{PATH}/{secret}", expires_at=expires_at)

    def _refusal(self, grant: Grant, approver: str, *, now: datetime) -> BrokerError | None:
        """Why there is no such link; None where there may be."""
        if self.base_url is None:
            return Conflict(
                "Nobody can sign in here, so nobody could follow a link. Approve over the API.",
                code="sign_in_not_configured",
            )
        if is_own(grant, approver):
            return refusal(Reason.OWN_REQUEST)
        state = grant.state_at(now)
        if state is GrantState.REQUESTED:
            return None
        extra = {"grant_id": grant.grant_id, "state": state.value}
        return refusal(Reason.ALREADY_DECIDED, extra=extra)

    def look(self, secret: str, call: Call) -> Grant:
        """What the link is for, to the one whom it is for; it can still be used afterwards.

        Raises Gone, and AccessDenied for anybody else.
        """
        return self._followed(secret, call)[1]

    def use(self, secret: str, verdict: Verdict, call: Call, *, reason: str) -> Grant:
        """Decide through the link, which is good for nothing after that.

        Raises like `look`, which leaves the link as it is, and like `DecideGrants.decide`.
        """
        digest, grant = self._followed(secret, call)
        if self.links.take(digest) is None:
            raise _gone()
        return self.decide_grants.decide(grant.grant_id, verdict, call, reason=reason)

    def _followed(self, secret: str, call: Call) -> tuple[str, Grant]:
        """The link's hash, and the request that it is for, if the caller may decide through it."""
        digest = link_hash(secret)
        link = self.links.get(digest)
        if link is None or self.clock() >= link.expires_at:
            raise _gone()
        if call.caller.established_by is not EstablishedBy.BROWSER:
            raise self._not_followed(link, call, _NOT_SIGNED_IN)
        if not same_person(link.approver, call.caller.subject):
            raise self._not_followed(link, call, _FOR_ANOTHER)
        return digest, self.grants.required(link.grant_id, Action.DECIDE_GRANT, call).record

    def _not_followed(self, link: ApprovalLink, call: Call, code: str) -> BrokerError:
        """Record it, in the account's chain only if the caller has a say there."""
        known = permits(call.caller, Action.DECIDE_GRANT, account_id=link.account_id)
        self.journal.record(
            chain_of(link.account_id) if known else BROKER_CHAIN,
            entries.link_not_followed(call, link, reason=code),
            now=self.clock(),
        )
        return AccessDenied(_WHY_NOT_FOLLOWED[code], code=code)


def _gone() -> Gone:
    return Gone("This link was used already, or it is more than fifteen minutes old.")
