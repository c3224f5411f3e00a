"""Certificate authorities of the tests' own, and what they issue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
VALID = (NOW - timedelta(days=30), NOW + timedelta(days=300))


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """The key of this name; making one takes a while."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def authority(
    name: str, above: Issued | None = None, valid: tuple[datetime, datetime] = VALID
) -> Issued:
    """A root, or an intermediate below `above`."""
    return _issued(
        name,
        above,
        valid,
        [(x509.BasicConstraints(ca=True, path_length=None), True), (_usage(authority=True), True)],
    )


def leaf(
    above: Issued,
    *names: str,
    valid: tuple[datetime, datetime] = VALID,
    issuer_at: str | None = None,
    common_name: str = "leaf",
) -> Issued:
    """A certificate for these DNS names, which may say where its issuer's certificate is."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(authority=False), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
    ]
    if names:
        alternatives = [x509.DNSName(name) for name in names]
        extensions.append((x509.SubjectAlternativeName(alternatives), False))
    if issuer_at is not None:
        access = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer_at)
        )
        extensions.append((x509.AuthorityInformationAccess([access]), False))
    return _issued(common_name, above, valid, extensions)


def _issued(
    name: str,
    above: Issued | None,
    valid: tuple[datetime, datetime],
    extensions: list[tuple[x509.ExtensionType, bool]],
) -> Issued:
    own = key(name)
    signing = above.key if above else own
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.certificate.subject if above else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()),
            critical=False,
        )
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Issued(builder.sign(signing, hashes.SHA256()), own)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_encipherment=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
