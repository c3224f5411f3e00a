"""Identity tokens of the organisation's OpenID provider: the one place where they are verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jwt

from broker.domain.identity.identity_claims import (
    Demands,
    Identity,
    IdentityFault,
    IdentityRefused,
    judge,
)
from broker.domain.identity.openid_provider import ALGORITHMS_OF, ProviderKey
from broker.domain.identity.permissions import Caller, EstablishedBy
from broker.domain.ports import ProviderKeys
from broker.errors import Unauthenticated
from broker.services.ambient import Clock
from broker.services.identity.authentication import CredentialRefused, Ending
from broker.services.identity.people import People

LARGEST = 16 * 1024
"""Characters of the largest token that is looked at; with many groups they grow long."""

_ALGORITHMS = frozenset[str]().union(*ALGORITHMS_OF.values())
_TYPES = frozenset({"jwt", "application/jwt"})
"""RFC 7519, section 5.1. Access tokens, logout tokens and others say that they are such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityTokens:
    """Verifies tokens that the provider has made for one client."""

    keys: ProviderKeys
    demands: Demands
    clock: Clock

    def verify(self, text: str, *, nonce: str | None = None) -> Identity:
        """Who the token is about.

        With a nonce, the token must carry it. Raises IdentityRefused with the first fault, and
        DependencyUnavailable (`sign_in_unavailable`) where the provider's keys cannot be had.
        """
        claims = signed_claims(text, self.keys)
        return judge(claims, replace(self.demands, nonce=nonce), self.clock())


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityTokenBearers:
    """The Authenticator of those who present an identity token with each request."""

    identity_tokens: IdentityTokens
    people: People

    def authenticate(self, credential: str) -> Caller:
        """See Authenticator."""
        try:
            identity = self.identity_tokens.verify(credential)
        except IdentityRefused as e:
            raise refusal_of(e.fault) from e
        return self.people.caller(
            identity.subject,
            identity.groups,
            established_by=EstablishedBy.IDENTITY_TOKEN,
            until=identity.expires_at,
        )

    def remembered_by(self, credential: str) -> str:
        """See Authenticator: by the subject that it claims, for the next token is another one."""
        try:
            claims = jwt.decode(credential, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            return credential
        # As ASCII, since anything may stand there that JSON can hold.
        return f"{claims.get('iss')!a} {claims.get('sub')!a}"


def refusal_of(fault: IdentityFault) -> CredentialRefused:
    """The refusal of an identity token. Whoever presents one may know what is wrong with it:
    its signature is what cannot be guessed, and no fault brings anybody nearer to one."""
    return CredentialRefused(
        fault.value,
        ending=Ending.EXPIRED if fault is IdentityFault.EXPIRED else None,
        answer=Unauthenticated(SENTENCES[fault], extra={"reason": fault.value}),
    )


SENTENCES: Mapping[IdentityFault, str] = {
    IdentityFault.MALFORMED: (
        "This is neither an API token nor an ID token: part of it may be missing. Get a new one."
    ),
    IdentityFault.WRONG_TYPE: "This is not an ID token. Send the ID token, not the access token.",
    IdentityFault.WRONG_ALGORITHM: "The ID token is signed in a way that is not accepted here.",
    IdentityFault.UNKNOWN_KEY: "The ID token's key is none of those that your provider names.",
    IdentityFault.BAD_SIGNATURE: "The ID token's signature is not your provider's.",
    IdentityFault.MISSING_CLAIMS: "The ID token lacks claims that are needed to know who you are.",
    IdentityFault.WRONG_ISSUER: "The ID token comes from another provider.",
    IdentityFault.WRONG_AUDIENCE: "The ID token was made for another service.",
    IdentityFault.WRONG_PARTY: "The ID token was given to another client.",
    IdentityFault.EXPIRED: "The ID token has expired. Get a new one from your provider.",
    IdentityFault.NOT_YET_VALID: "The ID token is not valid yet. Compare your provider's clock.",
    IdentityFault.WRONG_NONCE: "The ID token was not made for this attempt to sign in.",
    IdentityFault.UNVERIFIED_EMAIL: "Your provider does not call your e-mail address verified.",
    IdentityFault.BAD_SUBJECT: "The name in the ID token cannot be the name of an engineer in AWS.",
    IdentityFault.BAD_GROUPS: "The ID token's groups are not a list of names.",
}


def signed_claims(text: str, keys: ProviderKeys) -> Mapping[str, Any]:
    """The claims that the provider has signed; what they say is still to be judged.

    Raises IdentityRefused, and DependencyUnavailable where the keys cannot be had.
    """
    algorithm, kid = _header(text)
    key = keys.key(kid)
    if key is None:
        raise IdentityRefused(IdentityFault.UNKNOWN_KEY)
    if algorithm not in key.algorithms:
        raise IdentityRefused(IdentityFault.WRONG_ALGORITHM)
    return _signed(text, key, algorithm)


def _header(text: str) -> tuple[str, str]:
    """The algorithm and the key that the token says it was signed with: hints, so far."""
    if len(text) > LARGEST or not text.isascii():
        raise IdentityRefused(IdentityFault.MALFORMED)
    try:
        header = jwt.get_unverified_header(text)
    except jwt.InvalidTokenError as e:
        raise IdentityRefused(IdentityFault.MALFORMED) from e
    # What a token calls critical must be understood (RFC 7515, section 4.1.11), and nothing is.
    if "crit" in header or "b64" in header:
        raise IdentityRefused(IdentityFault.MALFORMED)
    if str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise IdentityRefused(IdentityFault.WRONG_TYPE)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise IdentityRefused(IdentityFault.WRONG_ALGORITHM)
    if not isinstance(kid, str):
        raise IdentityRefused(IdentityFault.UNKNOWN_KEY)
    return algorithm, kid


def _signed(text: str, key: ProviderKey, algorithm: str) -> Mapping[str, Any]:
    """The claims under a good signature. What they say is judged by `identity_claims`."""
    try:
        return jwt.decode(
            text,
            key=key.public,
            algorithms=[algorithm],
            options={
                "verify_signature": True,
                "enforce_minimum_key_length": True,
                "require": [],
                "verify_aud": False,
                "verify_exp": False,
                "verify_iat": False,
                "verify_iss": False,
                "verify_jti": False,
                "verify_nbf": False,
                "verify_sub": False,
            },
        )
    except jwt.InvalidSignatureError as e:
        raise IdentityRefused(IdentityFault.BAD_SIGNATURE) from e
    except jwt.InvalidTokenError as e:
        raise IdentityRefused(IdentityFault.MALFORMED) from e
