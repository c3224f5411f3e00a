"""An organisation that signs its people in: a real OpenID provider, and people at their browsers.

The provider is `openid_provider/provider.mjs`. People fill in its forms over plain HTTP, as a
browser without scripts would.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from broker.cli.demo.stage import free_port

FOLDER = Path(__file__).with_name("openid_provider")
WEB, CLI, OTHER = "broker-web", "broker-cli", "another-service"
WEB_SECRET = "a-secret-of-the-tests-and-of-nobody-else"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "openid email groups"
_MOST_STEPS = 12

PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "jane": {
        "email": "Jane@Vendor.Example",
        "email_verified": True,
        "groups": ["support", "everybody"],
    },
    "carl": {"email": "carl@customer.example", "email_verified": True, "groups": ["customer-one"]},
    "rob": {"email": "rob@vendor.example", "email_verified": True, "groups": ["everybody"]},
    "mia": {
        "email": "mia@vendor.example",
        "email_verified": True,
        "groups": ["support", "customer-one"],
    },
    "ned": {"email": "ned@vendor.example", "email_verified": False, "groups": ["support"]},
}
"""By login name: an engineer, a customer, somebody without a role, one whose roles conflict, and
one whose address the provider has not verified."""

ROLES = """
[groups.support]
roles = ["engineer"]

[groups.customer-one]
roles = ["customer"]
accounts = ["111122223333"]
"""


@dataclass(frozen=True)
class Keys:
    """What the provider signs with: throwaway keys, so that tests can sign in its stead."""

    rsa: rsa.RSAPrivateKey = field(repr=False)
    ec: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """A fresh pair."""
        return cls(
            rsa.generate_private_key(public_exponent=65537, key_size=2048),
            ec.generate_private_key(ec.SECP256R1()),
        )

    def private_jwks(self) -> dict[str, Any]:
        """Both, as the provider reads them."""
        return {
            "keys": [
                _jwk(json.loads(RSAAlgorithm.to_jwk(self.rsa)), "rsa"),
                _jwk(json.loads(ECAlgorithm.to_jwk(self.ec)), "ec"),
            ]
        }

    def public_jwks(self) -> dict[str, Any]:
        """Both, as the provider publishes them."""
        return {
            "keys": [
                _jwk(json.loads(RSAAlgorithm.to_jwk(self.rsa.public_key())), "rsa"),
                _jwk(json.loads(ECAlgorithm.to_jwk(self.ec.public_key())), "ec"),
            ]
        }


def _jwk(members: dict[str, Any], kid: str) -> dict[str, Any]:
    return {**{name: members[name] for name in members if name != "key_ops"}, "kid": kid}


class Provider:
    """The provider's process. A context manager that ends it."""

    def __init__(
        self,
        *,
        callbacks: Sequence[str],
        people: Mapping[str, Any] = PEOPLE,
        id_token_seconds: int = 600,
    ) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.keys = Keys.new()
        self._callbacks = list(callbacks)
        self._people = people
        self._id_token_seconds = id_token_seconds
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["node", "provider.mjs"],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._description()) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "listening\n"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()
        assert self._process is not None
        self._process.communicate()

    def _description(self) -> dict[str, Any]:
        native = {
            "token_endpoint_auth_method": "none",
            "application_type": "native",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token", DEVICE_GRANT],
            "response_types": ["code"],
            "id_token_signed_response_alg": "ES256",
        }
        web = {
            "client_id": WEB,
            "client_secret": WEB_SECRET,
            "redirect_uris": self._callbacks,
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "id_token_signed_response_alg": "PS256",
        }
        return {
            "port": self.port,
            "jwks": self.keys.private_jwks(),
            "people": self._people,
            "id_token_seconds": self._id_token_seconds,
            "clients": [web, {**native, "client_id": CLI}, {**native, "client_id": OTHER}],
        }

    def settings(self, roles_file: Path, *, roles: str = ROLES) -> dict[str, str]:
        """What a broker needs to know of it, and of what its groups may do."""
        roles_file.write_text(roles)
        return {
            "BROKER_OIDC_ISSUER": self.issuer,
            "BROKER_OIDC_CLIENT_ID": WEB,
            "BROKER_OIDC_CLIENT_SECRET": WEB_SECRET,
            "BROKER_OIDC_CLI_CLIENT_ID": CLI,
            "BROKER_OIDC_SCOPE": SCOPE,
            "BROKER_ROLES_FILE": str(roles_file),
        }

    @cached_property
    def http(self) -> httpx.Client:
        """A client for what programs ask of the provider."""
        return httpx.Client(base_url=self.issuer, trust_env=False)

    def token_by_device_flow(self, login: str, *, client_id: str = CLI) -> str:
        """An ID token as a terminal without a browser gets one (RFC 8628)."""
        begun = self.http.post("/device/auth", data={"client_id": client_id, "scope": SCOPE})
        codes = begun.raise_for_status().json()
        waiting = {
            "grant_type": DEVICE_GRANT,
            "client_id": client_id,
            "device_code": codes["device_code"],
        }
        early = self.http.post("/token", data=waiting)
        assert early.json()["error"] == "authorization_pending"
        with Browser(login) as browser:
            done = browser.visit(codes["verification_uri_complete"])
        assert done.is_success, done.text
        given = self.http.post("/token", data=waiting).raise_for_status()
        return str(given.json()["id_token"])

    def token_by_loopback(self, login: str, *, client_id: str = CLI) -> str:
        """An ID token as a terminal gets one with PKCE and a redirect to itself (RFC 8252)."""
        verifier = secrets.token_urlsafe(48)
        redirect_uri = f"http://127.0.0.1:{free_port()}/callback"
        question = {
            "client_id": client_id,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": secrets.token_urlsafe(16),
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        with Browser(login) as browser:
            back = browser.visit(f"{self.issuer}/auth?{urlencode(question)}", until=redirect_uri)
        given = parse_qs(urlsplit(back.headers["Location"]).query)
        assert given["state"] == [question["state"]]
        answer = self.http.post(
            "/token",
            data={
                "grant_type": "authorization_code",
                "client_id": client_id,
                "code": given["code"][0],
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
            },
        )
        return str(answer.raise_for_status().json()["id_token"])

    def forged(self, claims: Mapping[str, Any], *, key: object = None, **header: Any) -> str:
        """A token that the provider's own EC key (or `key`) signs, whatever it says."""
        header = {"kid": "ec", "alg": "ES256", "typ": "JWT", **header}
        return jwt.encode(
            dict(claims),
            key or self.keys.ec,  # type: ignore[arg-type]
            algorithm=header["alg"],
            headers=header,
        )


def _challenge(verifier: str) -> str:
    """S256 of RFC 7636, section 4.2."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class _Form(HTMLParser):
    """The first form of a page: where it goes, and what it holds already."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        members = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = members.get("action") or ""
        if tag == "input" and members.get("name"):
            self.fields[str(members["name"])] = members.get("value") or ""


class Browser:
    """Somebody at a browser, who fills in the provider's forms under their login name."""

    def __init__(
        self, login: str, *, transports: Mapping[str, httpx.BaseTransport] | None = None
    ) -> None:
        self.login = login
        self.http = httpx.Client(trust_env=False, mounts=dict(transports or {}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def visit(
        self,
        url: str,
        *,
        until: str | None = None,
        filling_in: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Go on from `url`, through redirects and forms, to where neither is left.

        `filling_in` are fields besides the login name. With `until`, to the redirect that leads to
        an address beginning with that, not followed.
        """
        answer = self.http.get(url)
        for _ in range(_MOST_STEPS):
            if answer.has_redirect_location:
                target = urljoin(str(answer.url), answer.headers["Location"])
                if until is not None and target.startswith(until):
                    return answer
                answer = self.http.get(target)
                continue
            if _form_of(answer).action is None:
                return answer
            answer = self.submit(answer, filling_in)
        raise AssertionError(f"{url} leads nowhere: {answer.url}")

    def submit(
        self, page: httpx.Response, filling_in: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """What comes of filling in the page's form, under this login name."""
        form = _form_of(page)
        assert form.action is not None, page.text
        known = {"login": self.login, "password": "anything", **(filling_in or {})}
        filled = {name: known.get(name, value) for name, value in form.fields.items()}
        return self.http.post(urljoin(str(page.url), form.action), data=filled)


def _form_of(page: httpx.Response) -> _Form:
    return _Form(page.text if "html" in page.headers.get("Content-Type", "") else "")
