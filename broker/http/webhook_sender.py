"""Posting events to webhook endpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

import structlog

from broker.domain.webhooks.delivery import Receipt, Verdict, verdict_of
from broker.domain.webhooks.endpoints import Endpoint, Networks
from broker.http.outbound import (
    AddressRefused,
    Answer,
    Destination,
    Outbound,
    OutboundFailed,
    Reach,
)

LONGEST_WAIT = timedelta(hours=1)
"""For as long as that an endpoint may ask to be left alone."""

_REACH = {
    Networks.INTERNET: Reach.INTERNET,
    Networks.OWN_TOO: Reach.OWN_NETWORKS,
    Networks.LOOPBACK: Reach.LOOPBACK,
}
_SECONDS = re.compile(r"[0-9]{1,9}")

_log = structlog.get_logger(__name__)


class HttpWebhookSender:
    """The WebhookSender over HTTP."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    def send(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> Receipt:
        """See the protocol WebhookSender. No log shows the URL's path: it may be a secret."""
        try:
            answer = self._outbound.send(
                "POST",
                _destination(endpoint),
                body=body,
                headers={"Content-Type": "application/json", **headers},
                largest=None,  # only the status counts
            )
        except (AddressRefused, OutboundFailed) as e:
            _log.info("webhook_not_delivered", endpoint=endpoint.name, why=str(e))
            return Receipt(verdict=Verdict.UNAVAILABLE)
        return Receipt(
            verdict=verdict_of(answer.status),
            status=answer.status,
            retry_after=_retry_after(answer),
        )


def _destination(endpoint: Endpoint) -> Destination:
    url = endpoint.url
    return Destination(
        scheme=url.scheme,
        host=url.host,
        port=url.port,
        target=url.target,
        reach=_REACH[endpoint.networks],
    )


def _retry_after(answer: Answer) -> timedelta | None:
    """The header in seconds (RFC 9110, section 10.2.3); a date is not worth a clock here."""
    said = answer.headers.get("retry-after", "")
    if _SECONDS.fullmatch(said) is None:
        return None
    return min(timedelta(seconds=int(said)), LONGEST_WAIT)
