"""What the broker is measured against: the shortest honest way from a KMS key to credentials.

It builds the same claims, has KMS sign them and hands the token to STS, with boto3 and nothing of
ours. It asks nobody for permission, and writes nothing down.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def bare_session(
    *, endpoint_url: str, key_id: str, kid: str, issuer: str, account_id: str, role_arn: str
) -> Callable[[], None]:
    """Opens a session at each call, with clients of its own; keys from the AWS environment."""
    session = boto3.Session(region_name="us-east-1")
    kms = session.client("kms", endpoint_url=endpoint_url)
    sts = session.client(
        "sts", endpoint_url=endpoint_url, config=Config(signature_version=UNSIGNED)
    )

    def open_session() -> None:
        session_id = f"s-{secrets.token_hex(10)}"
        claims = _claims(issuer, account_id, role_arn, session_id)
        signing_input = f"{_segment({'alg': 'ES256', 'kid': kid, 'typ': 'JWT'})}.{_segment(claims)}"
        der = kms.sign(
            KeyId=key_id,
            Message=signing_input.encode(),
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )["Signature"]
        r, s = decode_dss_signature(der)
        signature = _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        sts.assume_role_with_web_identity(
            RoleArn=role_arn,
            RoleSessionName=f"ann@example.com@T-1000-{session_id[2:10]}",
            WebIdentityToken=f"{signing_input}.{signature}",
            DurationSeconds=900,
        )

    return open_session


def _claims(issuer: str, account_id: str, role_arn: str, session_id: str) -> dict[str, object]:
    now = int(time.time())
    tags = {"Ticket": ["T-1000"], "Session": [session_id], "Engineer": ["ann@example.com"]}
    return {
        "iss": issuer,
        "sub": f"support:{account_id}",
        "aud": "sts.amazonaws.com",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + 300,
        "jti": secrets.token_hex(16),
        "https://aws.amazon.com/source_identity": "ann@example.com",
        "https://aws.amazon.com/tags": {
            "principal_tags": tags,
            "transitive_tag_keys": list(tags),
        },
        "https://aws.amazon.com/roles": [role_arn],
    }


def _segment(members: Mapping[str, object]) -> str:
    return _base64url(json.dumps(members, separators=(",", ":")).encode())


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
