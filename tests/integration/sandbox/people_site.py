"""The sandbox's OpenID provider with two people and four clients, and what tests do with it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
from authlib.integrations.requests_client import OAuth2Session

from broker.sandbox.process import Sandbox

WEB, WEB_SECRET = "pages", "a-secret-of-the-tests-and-of-nobody-else"
CLI, OTHER, OTHER_WEB = "command", "another-command", "other-pages"
WEB_REDIRECT = "http://127.0.0.1:4000/sign-in/callback"
CLI_REDIRECT = "http://127.0.0.1:49152/callback"
EVERYTHING = "openid profile email groups offline_access"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

JANE = {
    "sub": "jane",
    "name": "Jane Doe",
    "title": "engineer",
    "email": "jane@vendor.example",
    "groups": ["support", "everybody"],
}
CARL = {"sub": "carl", "name": "Carl <i>", "title": "customer", "email": "carl@customer.example"}

_LOOPBACK = ["http://127.0.0.1/callback"]
_CLIENTS = [
    {
        "client_id": WEB,
        "name": "the pages",
        "client_secret": WEB_SECRET,
        "redirect_uris": [WEB_REDIRECT],
    },
    {
        "client_id": OTHER_WEB,
        "name": "other pages",
        "client_secret": "another secret",
        "redirect_uris": [WEB_REDIRECT],
    },
    {"client_id": CLI, "name": "the command", "redirect_uris": _LOOPBACK},
    {"client_id": OTHER, "name": "another command", "redirect_uris": _LOOPBACK},
]


@dataclass(frozen=True)
class Attempt:
    """One attempt to sign in: the address at the provider, and what the client remembers of it."""

    client: OAuth2Session
    url: str
    verifier: str
    state: str


@dataclass(frozen=True)
class Site:
    """The provider, as people and clients reach it."""

    issuer: str

    @classmethod
    def on(cls, sandbox: Sandbox) -> Site:
        """A new one, with a key of its own and nothing given out."""
        issuer = sandbox.open_to_people("Acme Support", people=[JANE, CARL], clients=_CLIENTS)
        return cls(issuer)

    def client(
        self,
        client_id: str = CLI,
        client_secret: str | None = None,
        *,
        redirect_uri: str = CLI_REDIRECT,
        scope: str = EVERYTHING,
        method: str | None = None,
    ) -> OAuth2Session:
        """Authlib's client."""
        session = OAuth2Session(
            client_id,
            client_secret,
            redirect_uri=redirect_uri,
            scope=scope,
            code_challenge_method="S256",
            token_endpoint_auth_method=method
            or ("client_secret_basic" if client_secret else "none"),
        )
        session.trust_env = False
        return session

    def attempt(self, client: OAuth2Session | None = None, **asked: str) -> Attempt:
        """Begin, with PKCE and a nonce."""
        client = client or self.client()
        verifier = secrets.token_urlsafe(48)
        asked = {"nonce": "n-0S6_WzA2Mj", **asked}
        url, state = client.create_authorization_url(
            f"{self.issuer}/authorize", code_verifier=verifier, **asked
        )
        return Attempt(client, url, verifier, state)

    def choose(self, url: str, **choice: str) -> httpx.Response:
        """What comes of a click on the page at `url`."""
        page = httpx.get(url, trust_env=False)
        assert page.status_code == 200, page.text
        fields = {**hidden(page), **(choice or {"person": "jane"})}
        return httpx.post(url, data=fields, trust_env=False)

    def callback(self, attempt: Attempt, **choice: str) -> str:
        """Where somebody is sent back to."""
        answer = self.choose(attempt.url, **choice)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def redeem(self, attempt: Attempt, callback: str, **changed: str) -> dict[str, Any]:
        """The tokens for what came back. Raises Authlib's OAuthError."""
        asked = {"code_verifier": attempt.verifier, **changed}
        url = f"{self.issuer}/token"
        return dict(attempt.client.fetch_token(url, authorization_response=callback, **asked))

    def tokens(self, client: OAuth2Session | None = None) -> tuple[Attempt, dict[str, Any]]:
        """Of an attempt that went well."""
        attempt = self.attempt(client)
        return attempt, self.redeem(attempt, self.callback(attempt))

    def userinfo(self, tokens: Mapping[str, Any]) -> httpx.Response:
        """What the provider says to whoever shows the access token."""
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        return httpx.get(f"{self.issuer}/userinfo", headers=bearer, trust_env=False)

    def post(self, path: str, **fields: str) -> httpx.Response:
        """A form to an endpoint."""
        return httpx.post(f"{self.issuer}/{path}", data=fields, trust_env=False)

    def claims(self, tokens: Mapping[str, Any], *, audience: str = CLI) -> dict[str, Any]:
        """Of the identity token, verified by PyJWT against the published keys."""
        identity_token = tokens["id_token"]
        keys = jwt.PyJWKSet.from_dict(httpx.get(f"{self.issuer}/jwks.json", trust_env=False).json())
        kid = jwt.get_unverified_header(identity_token)["kid"]
        return jwt.decode(
            identity_token,
            keys[kid],
            algorithms=["RS256"],
            audience=audience,
            issuer=self.issuer,
            options={"require": ["iss", "sub", "aud", "iat", "exp"]},
        )


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


def told(callback: str) -> dict[str, str]:
    """The parameters of an address, each of which is there once."""
    parameters = parse_qs(urlsplit(callback).query)
    assert all(len(values) == 1 for values in parameters.values())
    return {name: values[0] for name, values in parameters.items()}
