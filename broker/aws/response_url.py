"""CloudFormation's ResponseURLs: which are believed, and how an answer gets there.

Whoever publishes to the topic chooses the URL. It is believed only if it is in CloudFormation's own
bucket of the stack's Region; other buckets of S3 are anybody's.
"""

from __future__ import annotations

from collections.abc import Collection

import structlog

from broker.aws.partitions import dns_suffix
from broker.domain.hooks.answers import Delivery
from broker.http.outbound import (
    AddressFault,
    AddressRefused,
    Destination,
    Outbound,
    OutboundFailed,
)

_BUCKET = "cloudformation-custom-resource-response-"
_LARGEST = 64 * 1024
"""Bytes that are read of S3's answer, which is empty or an error in XML."""

_log = structlog.get_logger(__name__)


class CloudFormationResponses:
    """The ResponseUrls of CloudFormation in the given Regions."""

    def __init__(self, *, regions: Collection[str], outbound: Outbound) -> None:
        self._hosts = {region: hosts_of(region) for region in regions}
        self._outbound = outbound

    def objection(self, url: str, *, region: str) -> str | None:
        """See `broker.domain.hooks.answers.ResponseUrls`."""
        try:
            self._checked(url, region)
        except AddressRefused as e:
            return e.fault.value
        return None

    def deliver(self, url: str, *, region: str, body: bytes) -> Delivery:
        """See `broker.domain.hooks.answers.ResponseUrls`. The URL is a secret: no log shows it."""
        try:
            # The URL was signed for an empty Content-Type.
            answer = self._outbound.send(
                "PUT",
                self._checked(url, region),
                body=body,
                headers={"Content-Type": ""},
                largest=_LARGEST,
            )
        except (AddressRefused, OutboundFailed) as e:
            _log.warning("hook_answer_not_delivered", region=region, why=str(e))
            return Delivery.FAILED
        if answer.status != 200:
            _log.warning("hook_answer_not_delivered", region=region, status=answer.status)
            return Delivery.FAILED
        return Delivery.ACCEPTED

    def _checked(self, url: str, region: str) -> Destination:
        destination = Destination.parse(url)
        if destination.host not in self._hosts.get(region, ()):
            raise AddressRefused(AddressFault.NOT_THE_HOST)
        return destination


def hosts_of(region: str) -> frozenset[str]:
    """Every way in which S3 names CloudFormation's bucket of a Region.

    Source: CloudFormation User Guide, "VPC endpoint policies" (the bucket is named for the Region
    without its dashes), and S3 User Guide, "Virtual hosting of buckets" with its older forms.
    """
    suffix = dns_suffix(region)
    bucket = _BUCKET + region.replace("-", "")
    return frozenset(
        {
            f"{bucket}.s3.{region}.{suffix}",
            f"{bucket}.s3-{region}.{suffix}",
            f"{bucket}.s3.{suffix}",
        }
    )
