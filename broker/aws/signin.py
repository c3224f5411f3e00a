"""Signing in to the AWS console: the federation endpoint, and which hosts belong to a partition.

Source: IAM User Guide, "Enable custom identity broker access to the AWS console". By AWS's design
the request carries the credentials in its query. So it goes through `broker.http.outbound`, which
keeps a request's target out of every log and error, and nothing here repeats it. SessionDuration
is left out: it fails for chained roles, and without it the console ends with the credentials.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import urlencode, urlsplit

import structlog

from broker.aws.clients import AwsLocation
from broker.aws.errors import unavailable
from broker.aws.partitions import every_region_beside
from broker.domain.console import ConsolePage, ConsoleUrl, SessionKeys
from broker.domain.loopback import is_loopback
from broker.errors import Conflict, FieldProblem, InvalidRequest, UpstreamRejected
from broker.http.outbound import (
    AddressRefused,
    Answer,
    Destination,
    Outbound,
    OutboundFailed,
    Reach,
)

PATH = "/federation"
_LARGEST = 64 * 1024
"""Bytes that are read of an answer; a sign-in token has one or two thousand."""

_SIGN_IN_TOKEN = re.compile(r"[!-~]{1,16000}")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConsoleDomains:
    """Where people sign in to a partition's console, and where its pages are."""

    sign_in: str
    console: str

    @property
    def origins(self) -> tuple[str, ...]:
        """Both with their Regions' hosts, between which AWS sends a browser back and forth."""
        domains = (self.sign_in, self.console)
        return tuple(f"https://{host}" for each in domains for host in (each, f"*.{each}"))


DOMAINS: Mapping[str, ConsoleDomains] = {
    "aws": ConsoleDomains("signin.aws.amazon.com", "console.aws.amazon.com"),
    "aws-cn": ConsoleDomains("signin.amazonaws.cn", "console.amazonaws.cn"),
    "aws-us-gov": ConsoleDomains("signin.amazonaws-us-gov.com", "console.amazonaws-us-gov.com"),
}
"""By partition; botocore's data has the sign-in hosts of Regions only, and no consoles.

A partition that is not here has a console too, but nobody has seen this work there.
"""


class FederatedConsole:
    """See the protocol `broker.domain.ports.ConsoleSignIn`."""

    def __init__(
        self, outbound: Outbound, *, location: AwsLocation, issuer: str, endpoint_url: str | None
    ) -> None:
        """`issuer` is where people come back to for a new session; `endpoint_url`, without a path,
        stands in for AWS's own host."""
        self._outbound = outbound
        self._region = location.region
        self._partition = location.partition
        self._regions = every_region_beside(location.region)
        self._domains = DOMAINS.get(self._partition)
        self._issuer = issuer
        self._endpoint_url = endpoint_url

    @property
    def origins(self) -> tuple[str, ...]:
        """See the protocol."""
        own = () if self._endpoint_url is None else (self._endpoint_url,)
        return own if self._domains is None else (*own, *self._domains.origins)

    def address(self, page: ConsolePage) -> str:
        """See the protocol."""
        if self._domains is None:
            raise Conflict(
                f"How to sign in to the console of the partition {self._partition} is not known. "
                "Use the credentials themselves: `broker get` and `broker exec`.",
                code="console_unknown",
            )
        region = page.region or self._region
        if region not in self._regions:
            raise InvalidRequest(
                f"The partition {self._partition} has no such Region.",
                problems=[FieldProblem("region", "must be a Region of the account's partition")],
            )
        where = "console" if page.service is None else page.service
        return f"https://{region}.{self._domains.console}/{where}/home?region={region}"

    def sign_in_url(self, keys: SessionKeys, address: str) -> ConsoleUrl:
        """See the protocol."""
        query = {
            "Action": "login",
            "Issuer": self._issuer,
            "Destination": address,
            "SigninToken": self._sign_in_token(keys),
        }
        return ConsoleUrl(f"{self._origin()}{PATH}?{urlencode(query)}")

    def _sign_in_token(self, keys: SessionKeys) -> str:
        session = {
            "sessionId": keys.access_key_id,
            "sessionKey": keys.secret_access_key,
            "sessionToken": keys.session_token,
        }
        query = urlencode(
            {"Action": "getSigninToken", "Session": json.dumps(session, separators=(",", ":"))}
        )
        try:
            answer = self._outbound.send(
                "GET", self._destination(f"{PATH}?{query}"), largest=_LARGEST
            )
        except (AddressRefused, OutboundFailed) as e:
            _log.warning("console_sign_in_failed", why=str(e))
            raise unavailable() from e
        return _token_in(answer)

    def _origin(self) -> str:
        if self._endpoint_url is not None:
            return self._endpoint_url
        return f"https://{DOMAINS[self._partition].sign_in}"

    def _destination(self, target: str) -> Destination:
        url = urlsplit(self._origin())
        return Destination(
            scheme=url.scheme,
            host=url.hostname or "",
            port=url.port or {"https": 443, "http": 80}[url.scheme],
            target=target,
            reach=self._reach(),
        )

    def _reach(self) -> Reach:
        """AWS's host is on the internet; one that the operator names may be an interface endpoint
        in a network of theirs, or the sandbox."""
        if self._endpoint_url is None:
            return Reach.INTERNET
        is_sandbox = is_loopback(urlsplit(self._endpoint_url))
        return Reach.LOOPBACK if is_sandbox else Reach.OWN_NETWORKS


def _token_in(answer: Answer) -> str:
    if answer.status == 429 or answer.status >= 500:
        _log.warning("console_sign_in_failed", status=answer.status)
        raise unavailable()
    if answer.status != 200:
        _refused(answer.status)
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        # The cause would show what AWS said, of which a part may be a secret.
        found = None
    token = found.get("SigninToken") if isinstance(found, dict) else None
    if not isinstance(token, str) or _SIGN_IN_TOKEN.fullmatch(token) is None:
        _refused(answer.status)
    return token


def _refused(status: int) -> NoReturn:
    _log.warning("console_sign_in_refused", status=status)
    raise UpstreamRejected(
        "AWS does not sign these credentials in to the console. They may have ended, or not be "
        "those of the session; open a new session."
    )
