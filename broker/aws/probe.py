"""Asking AWS whether it lets a session in, by a call that IAM decides on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from botocore.exceptions import ClientError

from broker.aws.clients import Clients
from broker.aws.errors import code_of, translated
from broker.domain.grants import Access
from broker.domain.sessions import Credentials

REFUSALS = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
"""Codes by which services say that IAM does not allow a call. None of them is what unknown or
expired credentials get."""

NOT_SUBSCRIBED = "SubscriptionRequiredException"
"""The account has no support plan with an API: AWS Support looked past the permissions."""


class HarmlessCalls:
    """The Probe of AWS: `PROBED_ACTIONS`, one call each."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._calls: Mapping[Access, Callable[[Credentials], object]] = {
            Access.READ: self._describe_regions,
            Access.CASE: self._describe_severity_levels,
        }

    def is_refused(self, credentials: Credentials, access: Access) -> bool:
        """See the protocol Probe."""
        with translated("a harmless call", refused="AWS answers the call with another error."):
            try:
                self._calls[access](credentials)
            except ClientError as e:
                if code_of(e) in REFUSALS:
                    return True
                if code_of(e) != NOT_SUBSCRIBED:
                    raise
            return False

    def _describe_regions(self, credentials: Credentials) -> None:
        self._clients.ec2(credentials).describe_regions(AllRegions=False)

    def _describe_severity_levels(self, credentials: Credentials) -> None:
        self._clients.support(credentials).describe_severity_levels(language="en")
