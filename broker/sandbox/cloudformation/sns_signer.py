"""SNS's signing certificate, as AWS has it: a lone leaf, its issuer elsewhere, the root with us.

Source: SNS Developer Guide, "Verifying the signatures of Amazon SNS messages". The names
are as in AWS's certificates; the keys are made anew for each sandbox.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

SIGNING_NAME = "sns.amazonaws.com"
ISSUER_HOST = "crt.sandbox.amazontrust.com"
ISSUER_PATH = "/sandbox.cer"

_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}


@dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class SnsSigner:
    """Signs messages, and holds what AWS publishes for verifying them."""

    def __init__(self) -> None:
        root = _authority("Sandbox Root CA", None, path_length=1)
        intermediate = _authority("Sandbox RSA 2048 M01", root, path_length=0)
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        leaf = _leaf(self._key, intermediate)
        self.anchors_pem = _pem(root.certificate)
        """The root, which whoever is to believe the messages must trust."""
        self.issuer_der = intermediate.certificate.public_bytes(serialization.Encoding.DER)
        """What is at the address that the leaf names its issuer at."""
        self.certificate_pem = _pem(leaf)
        """What is at the SigningCertURL: the leaf alone."""
        digest = hashlib.md5(self.certificate_pem, usedforsecurity=False).hexdigest()
        self.path = f"/SimpleNotificationService-{digest}.pem"

    def signed(self, message: Mapping[str, str], *, region: str) -> dict[str, str]:
        """`message` with a signature of version 2 over it."""
        lines = [
            f"{name}\n{message[name]}\n" for name in _SIGNED[message["Type"]] if name in message
        ]
        signature = self._key.sign("".join(lines).encode(), padding.PKCS1v15(), hashes.SHA256())
        return {
            **message,
            "SignatureVersion": "2",
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": f"https://sns.{region}.amazonaws.com{self.path}",
        }


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, issuer: x509.Name
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority(common_name: str, above: _Authority | None, *, path_length: int) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    issuer = above.certificate.subject if above else name
    signing_key = above.key if above else key
    certificate = (
        _builder(name, key.public_key(), issuer)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(_issued_by(signing_key), critical=False)
        .sign(signing_key, hashes.SHA256())
    )
    return _Authority(certificate, key)


def _leaf(key: rsa.RSAPrivateKey, above: _Authority) -> x509.Certificate:
    access = x509.AccessDescription(
        AuthorityInformationAccessOID.CA_ISSUERS,
        x509.UniformResourceIdentifier(f"http://{ISSUER_HOST}{ISSUER_PATH}"),
    )
    return (
        _builder(_name(SIGNING_NAME), key.public_key(), above.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(_issued_by(above.key), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SIGNING_NAME)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        .sign(above.key, hashes.SHA256())
    )


def _issued_by(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        key_encipherment=not signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
