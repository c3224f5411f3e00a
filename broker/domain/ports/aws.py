"""What is asked of AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Protocol

from broker.domain.accounts import Account
from broker.domain.console import ConsolePage, ConsoleUrl, SessionKeys
from broker.domain.grants import Access
from broker.domain.iam_documents import Document
from broker.domain.identifiers import AccountId
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.observed import Observed
from broker.domain.role_plan import Wanted
from broker.domain.sessions import Credentials
from broker.domain.steps import Step
from broker.domain.trail.events import TrailPart, TrailQuery, Unseen


class WebIdentityExchange(Protocol):
    """AssumeRoleWithWebIdentity."""

    def exchange(
        self,
        *,
        identity_token: str,
        role_arn: str,
        role_session_name: str,
        duration: timedelta,
        session_policy: str | None,
    ) -> Credentials:
        """Credentials for the token.

        Raises UpstreamRejected (`refused_by_aws`, `issuer_unreachable_from_aws`) and
        DependencyUnavailable (`aws_unavailable`); neither carries AWS's text.
        """
        ...


class Probe(Protocol):
    """Asking AWS whether it lets somebody in."""

    def is_refused(self, credentials: Credentials, access: Access) -> bool:
        """Whether AWS refuses these credentials the harmless call that the role for `access` may
        make (`PROBED_ACTIONS`).

        Raises DependencyUnavailable where AWS cannot be asked, and UpstreamRejected where it
        answers something that says neither.
        """
        ...


class ConsoleSignIn(Protocol):
    """AWS's federation endpoint, where a session's credentials become a way into the console."""

    @property
    def origins(self) -> tuple[str, ...]:
        """Where a browser is led on the way, as sources of a Content-Security-Policy."""
        ...

    def address(self, page: ConsolePage) -> str:
        """The page's address, always on a console host of the partition.

        Raises InvalidRequest for a Region that the partition does not have, and Conflict
        (`console_unknown`) where it is not known how people sign in to the partition's console.
        """
        ...

    def sign_in_url(self, keys: SessionKeys, address: str) -> ConsoleUrl:
        """A URL that signs in with `keys` and leads to what `address` gave.

        Raises UpstreamRejected (`refused_by_aws`) and DependencyUnavailable (`aws_unavailable`);
        neither carries AWS's text, nor anything of the keys.
        """
        ...


class Trail(Protocol):
    """CloudTrail of a customer's account, Region by Region."""

    def look_up(
        self,
        query: TrailQuery,
        *,
        account_id: AccountId,
        credentials: Credentials,
        region: str,
        limit: int,
        cursor: str | None = None,
    ) -> TrailPart | Unseen:
        """At most `limit` events (1 to 50) of one Region, newest first, and the way to the next.

        A cursor goes with the query and the limit that gave it. Raises InvalidRequest for one
        that AWS does not know, RateLimited where too many wait for the same account's trail, and
        UpstreamRejected and DependencyUnavailable like `WebIdentityExchange.exchange`.
        """
        ...


class CheckpointBuckets(Protocol):
    """Customers' own buckets, for copies of checkpoints."""

    def put(self, checkpoint: Checkpoint, *, bucket: str) -> None:
        """Write it once, under a name made of its account, entry and hash; again is no error.

        Raises UpstreamRejected (`refused_by_aws`) where the bucket does not take it, or is not
        the account's own, and DependencyUnavailable (`aws_unavailable`).
        """
        ...


class ManagedAccount(Protocol):
    """The customer's IAM as the management role may see and change it."""

    def observe(self, wanted: Wanted) -> Observed:
        """What stands there of what is wanted. Raises like `WebIdentityExchange.exchange`."""
        ...

    def policy_documents(self, arns: Iterable[str]) -> Mapping[str, Document | None]:
        """Managed policies by ARN; None for one that may not be read. Raises like `observe`."""
        ...

    def apply(self, step: Step) -> None:
        """Do one step; doing it again changes nothing. Raises like `observe`."""
        ...


class ManagementRole(Protocol):
    """The way into a customer's IAM."""

    def assume(self, account: Account) -> ManagedAccount:
        """Assume the management role with the account's own ExternalId.

        Raises UpstreamRejected (`refused_by_aws`) where the role is missing or refuses us, and
        DependencyUnavailable (`aws_unavailable`).
        """
        ...
