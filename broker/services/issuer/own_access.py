"""The broker's own way into an account: a support role like everybody's, for one purpose only.

It goes through the same issuer, the same trust policy and the same boundary as an engineer's
session, so AWS holds the broker to what it holds engineers to. The session is the shortest that
STS gives, may do nothing but the actions it was asked for, and is never handed out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.domain.accounts import Account, subject_of
from broker.domain.claims import TokenSubject, identity_claims
from broker.domain.grants import Access
from broker.domain.iam_documents import only_actions
from broker.domain.identifiers import EngineerId, SessionId, TicketId
from broker.domain.ports import WebIdentityExchange
from broker.domain.role_plan import role_arn
from broker.domain.sessions import SHORTEST, Credentials, role_session_name
from broker.services.ambient import Clock, Entropy
from broker.services.issuer.minting import Minter


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccess:
    """Opens the broker's own sessions. Whoever uses one names it in the ledger."""

    minter: Minter
    exchange: WebIdentityExchange
    name_prefix: str
    clock: Clock
    entropy: Entropy

    def credentials(
        self,
        account: Account,
        *,
        access: Access,
        actions: Sequence[str],
        engineer: EngineerId,
        ticket_id: TicketId,
        session_id: SessionId,
    ) -> Credentials:
        """Credentials for `SHORTEST` of the role for `access`, good for exactly `actions`.

        `engineer`, `ticket_id` and `session_id` become source identity, tags and session name,
        as with any session; a revocation that denies `session_id` denies this one too. Raises
        ValueError without an action, UpstreamRejected and DependencyUnavailable like
        `WebIdentityExchange.exchange` and `Minter.mint`. Neither stored nor logged.
        """
        arn = role_arn(account.account_id, account.partition, access, name_prefix=self.name_prefix)
        subject = TokenSubject(
            issuer=account.issuer,
            subject=subject_of(account.account_id),
            role_arn=arn,
            engineer=engineer,
            ticket_id=ticket_id,
            session_id=session_id,
            jti=self.entropy.jti(),
        )
        policy = only_actions(actions)
        token = self.minter.mint(account, identity_claims(subject, now=self.clock()))
        return self.exchange.exchange(
            identity_token=token.compact,
            role_arn=arn,
            role_session_name=role_session_name(engineer, ticket_id, session_id),
            duration=SHORTEST,
            session_policy=policy,
        )
