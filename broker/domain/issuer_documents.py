"""What an issuer publishes: OpenID Connect discovery and the JWKS."""

from __future__ import annotations

from collections.abc import Sequence

from broker.domain.claims import ROLES_CLAIM, SOURCE_IDENTITY_CLAIM, TAGS_CLAIM
from keys.rotation import KeyRecord, published

DISCOVERY_PATH = "/.well-known/openid-configuration"
JWKS_PATH = "/jwks.json"

_NO_AUTHORIZATION = "urn:support-access-broker:no-interactive-authorization"


def discovery(issuer: str, keys: Sequence[KeyRecord]) -> dict[str, object]:
    """The discovery document (OpenID Connect Discovery 1.0, section 3).

    `authorization_endpoint` is required there although nobody can sign in at such an issuer, so
    it names no place.
    """
    algorithms = sorted({record.reference.algorithm.value for record in published(keys)})
    return {
        "issuer": issuer,
        "jwks_uri": issuer + JWKS_PATH,
        "authorization_endpoint": _NO_AUTHORIZATION,
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "scopes_supported": ["openid"],
        "claims_supported": [
            *("iss", "sub", "aud", "iat", "nbf", "exp", "jti"),
            *(SOURCE_IDENTITY_CLAIM, TAGS_CLAIM, ROLES_CLAIM),
        ],
    }


def jwks(keys: Sequence[KeyRecord]) -> dict[str, object]:
    """The JWKS (RFC 7517, section 5): active, staged and retiring keys."""
    return {"keys": [record.reference.public_jwk.as_dict() for record in published(keys)]}
