"""The certificates that SNS signs with: fetched, led to a trusted root, and kept for a while.

What AWS serves at a SigningCertURL is a lone certificate, issued by one of Amazon's intermediate
CAs to `sns.amazonaws.com` (in some Regions to a name of the Region's own). The intermediate is
where the certificate says (RFC 5280, section 4.2.2.1), which is believed for Amazon's own
repository only. It comes over plain http, as such certificates do: the chain is what proves it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import verification
from cryptography.x509.oid import AuthorityInformationAccessOID

from broker.aws.errors import unavailable
from broker.aws.partitions import dns_suffix
from broker.domain.budget import Budget
from broker.domain.hooks.sns import MessageFault, MessageRefused
from broker.errors import DependencyUnavailable
from broker.http.outbound import AddressRefused, Destination, Outbound, OutboundFailed

KEPT_FOR = timedelta(hours=1)
FETCHES_A_MINUTE = 30
"""Messages that name ever new certificates must not make us fetch without end."""

_MOST_KEPT = 32
_LARGEST = 16 * 1024
"""Bytes of a certificate file; AWS's have two thousand."""

_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{32}\.pem")
_ISSUER = re.compile(r"http://(crt\.[a-z0-9]{1,32}\.amazontrust\.com)(/[a-z0-9]{1,32}\.cer)")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _SnsNames:
    """SNS of one Region: the host that serves its certificates, and the names in them."""

    host: str
    issued_to: frozenset[str]

    @classmethod
    def of(cls, region: str) -> _SnsNames:
        """The names as AWS's own SDKs expect them."""
        suffix = dns_suffix(region)
        host = f"sns.{region}.{suffix}"
        names = {host, f"sns-signing.{region}.{suffix}", f"sns-{region}.{suffix}"}
        if region.startswith("us-gov-"):
            names.add(f"sns-us-gov-west-1.{suffix}")
        elif suffix == dns_suffix("us-east-1"):
            names.add(f"sns.{suffix}")
        return cls(host, frozenset(names))


@dataclass(frozen=True, slots=True)
class _Kept:
    key: RSAPublicKey
    fresh_until: datetime
    valid_until: datetime


class SigningCertificates:
    """Public keys of SNS by the URL of their certificate. Safe to use from many threads."""

    def __init__(
        self,
        *,
        anchors: Iterable[x509.Certificate],
        regions: Iterable[str],
        outbound: Outbound,
    ) -> None:
        self._names = {region: _SnsNames.of(region) for region in regions}
        self._store = verification.Store(list(anchors))
        self._outbound = outbound
        self._budget = Budget(FETCHES_A_MINUTE)
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def key_at(self, url: str, *, region: str, now: datetime) -> RSAPublicKey:
        """The key that SNS of `region`, one of ours, signs with, as the certificate at `url` says.

        Raises MessageRefused (`certificate_address`, `certificate_untrusted`), and
        DependencyUnavailable where the certificate cannot be fetched and none is kept.
        """
        names = self._names[region]
        destination = _checked(url, names)
        with self._lock:
            kept = self._kept.get(url)
        if kept is not None and now < kept.fresh_until:
            return kept.key
        try:
            certificate = self._verified(destination, names, now)
        except DependencyUnavailable:
            # Made-up certificates may have used up what is fetched: what was proved once stays
            # proved, or a stranger could keep out the messages that are real.
            if kept is None or now >= kept.valid_until:
                raise
            return kept.key
        return self._keep(url, certificate, now)

    def _keep(self, url: str, certificate: x509.Certificate, now: datetime) -> RSAPublicKey:
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise MessageRefused(MessageFault.CERTIFICATE_UNTRUSTED)
        valid_until = certificate.not_valid_after_utc
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[url] = _Kept(key, min(now + KEPT_FOR, valid_until), valid_until)
        return key

    def _verified(self, at: Destination, names: _SnsNames, now: datetime) -> x509.Certificate:
        leaf, *others = self._file(at, now)
        verifier = (
            verification.PolicyBuilder()
            .store(self._store)
            .time(now)
            .max_chain_depth(4)
            .build_server_verifier(x509.DNSName(_name_of_sns(leaf, names)))
        )
        try:
            verifier.verify(leaf, others or self._issuer_of(leaf, now))
        except verification.VerificationError as e:
            _log.warning("sns_certificate_refused", host=at.host, why=str(e)[:200])
            raise MessageRefused(MessageFault.CERTIFICATE_UNTRUSTED) from e
        return leaf

    def _file(self, at: Destination, now: datetime) -> list[x509.Certificate]:
        """What is at the SigningCertURL: the leaf first."""
        text = self._fetched(at, now)
        try:
            return x509.load_pem_x509_certificates(text)
        except ValueError as e:
            raise MessageRefused(MessageFault.CERTIFICATE_UNTRUSTED) from e

    def _issuer_of(self, leaf: x509.Certificate, now: datetime) -> list[x509.Certificate]:
        """The intermediate CA, from Amazon's repository; nothing where the leaf names no other."""
        try:
            access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        except x509.ExtensionNotFound:
            return []
        for described in access:
            location = described.access_location.value
            found = _ISSUER.fullmatch(location) if isinstance(location, str) else None
            if described.access_method == AuthorityInformationAccessOID.CA_ISSUERS and found:
                at = Destination(scheme="http", host=found[1], port=80, target=found[2])
                return [_der(self._fetched(at, now))]
        return []

    def _fetched(self, at: Destination, now: datetime) -> bytes:
        if not self._budget.spend(now):
            _log.warning("sns_certificate_not_fetched", why="too many were asked for", host=at.host)
            raise unavailable()
        try:
            answer = self._outbound.send("GET", at, largest=_LARGEST)
        except (AddressRefused, OutboundFailed) as e:
            _log.warning("sns_certificate_not_fetched", why=str(e), host=at.host)
            raise unavailable() from e
        if answer.status >= 500:
            raise unavailable()
        if answer.status != 200:
            # A path that SNS does not know was made up; a redirect is nothing that SNS answers.
            raise MessageRefused(MessageFault.CERTIFICATE_UNTRUSTED)
        return answer.body


def _checked(url: str, names: _SnsNames) -> Destination:
    """The URL's parts if it is one of SNS's of the topic's own Region."""
    try:
        destination = Destination.parse(url)
    except AddressRefused as e:
        raise MessageRefused(MessageFault.CERTIFICATE_ADDRESS) from e
    if destination.host != names.host or _PATH.fullmatch(destination.target) is None:
        raise MessageRefused(MessageFault.CERTIFICATE_ADDRESS)
    return destination


def _name_of_sns(leaf: x509.Certificate, names: _SnsNames) -> str:
    """The name of SNS that the certificate is for."""
    try:
        issued_to = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError) as e:
        raise MessageRefused(MessageFault.CERTIFICATE_UNTRUSTED) from e
    for name in issued_to.value.get_values_for_type(x509.DNSName):
        if name in names.issued_to:
            return name
    raise MessageRefused(MessageFault.CERTIFICATE_UNTRUSTED)


def _der(content: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(content)
    except ValueError as e:
        raise MessageRefused(MessageFault.CERTIFICATE_UNTRUSTED) from e
