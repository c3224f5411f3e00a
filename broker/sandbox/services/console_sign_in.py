"""The federation endpoint: a session's credentials become a sign-in token, and that a console.

Source: IAM User Guide, "Enable custom identity broker access to the AWS console". There is no
console behind it: who signs in is shown a page that names the principal and where they would be.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from broker.sandbox.calls.answers import Refusal
from broker.sandbox.calls.received import Environ, ReceivedRequest
from broker.sandbox.clock import Clock
from broker.sandbox.state.credentials import CredentialRegister, TemporaryCredentials
from broker.sandbox.state.iam_directory import IamDirectory

PATH = "/federation"
TOKEN_LIVES = timedelta(minutes=15)

_CONSOLES: Mapping[str, str] = {
    "aws": r"([a-z0-9-]+\.)?console\.aws\.amazon\.com",
    "aws-cn": r"([a-z0-9-]+\.)?console\.amazonaws\.cn",
    "aws-us-gov": r"([a-z0-9-]+\.)?console\.amazonaws-us-gov\.com",
}
"""Hosts of a partition's console, which alone a sign-in leads to."""

_SESSION_MEMBERS = ("sessionId", "sessionKey", "sessionToken")


class SignInRefusedError(Exception):
    """Nobody is signed in; the text is what the sender reads."""


@dataclass(frozen=True)
class _Pending:
    """A sign-in token that was given out and not used yet."""

    session: TemporaryCredentials
    given_at: datetime


class ConsoleSignIn:
    """A WSGI application. A token works once, for fifteen minutes, while its session lives."""

    def __init__(
        self, *, register: CredentialRegister, directory: IamDirectory, clock: Clock
    ) -> None:
        self._register = register
        self._directory = directory
        self._clock = clock
        self._lock = Lock()
        self._pending: dict[str, _Pending] = {}

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        try:
            content_type, text = self._answer(ReceivedRequest.read(environ))
            status = "200 OK"
        except (SignInRefusedError, Refusal) as refusal:
            status, content_type = "400 Bad Request", "text/html; charset=utf-8"
            text = _page("Sign-in refused", str(refusal))
        body = text.encode()
        headers = [
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        start_response(status, headers)
        return [body]

    def _answer(self, request: ReceivedRequest) -> tuple[str, str]:
        match request.method, _parameters(request.query):
            case "GET", {"Action": "getSigninToken", **given}:
                return "application/json", json.dumps({"SigninToken": self._give(given)})
            case "GET", {"Action": "login", **given}:
                return "text/html; charset=utf-8", self._log_in(given)
        raise SignInRefusedError("There is no such action.")

    def _give(self, given: Mapping[str, str]) -> str:
        """A sign-in token for the session whose credentials these are."""
        if given.keys() - {"SessionType"} != {"Session"} or given.get("SessionType") not in (
            None,
            "json",
        ):
            # SessionDuration is refused too: AWS does that for sessions of chained roles.
            raise SignInRefusedError("Invalid credentials parameter.")
        session = self._session_of(given["Session"])
        self._require_alive(session)
        token = secrets.token_urlsafe(600)
        with self._lock:
            self._pending[token] = _Pending(session, self._clock.now())
        return token

    def _session_of(self, text: str) -> TemporaryCredentials:
        try:
            given = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SignInRefusedError("Session is not JSON.") from error
        if not isinstance(given, dict) or given.keys() != set(_SESSION_MEMBERS):
            raise SignInRefusedError("Session must have sessionId, sessionKey and sessionToken.")
        key_id, secret, session_token = (str(given[name]) for name in _SESSION_MEMBERS)
        found = self._register.find(key_id)
        if (
            found is None
            or not _same(found.secret_access_key, secret)
            or not _same(found.session_token, session_token)
        ):
            raise SignInRefusedError("These are no credentials of a session.")
        return found

    def _log_in(self, given: Mapping[str, str]) -> str:
        """Use the token up and show who is signed in; a refusal leaves it unused."""
        if given.keys() - {"Issuer"} != {"Destination", "SigninToken"}:
            raise SignInRefusedError("login takes Destination, SigninToken and Issuer.")
        if "Issuer" in given and urlsplit(given["Issuer"]).scheme not in ("http", "https"):
            raise SignInRefusedError("Issuer is not a URL.")
        with self._lock:
            pending = self._pending.get(given["SigninToken"])
            if pending is None:
                raise SignInRefusedError("The sign-in token was used already, or never given out.")
            if self._clock.now() >= pending.given_at + TOKEN_LIVES:
                raise SignInRefusedError("The sign-in token has expired.")
            self._require_alive(pending.session)
            _require_console(given["Destination"], pending.session.role.partition)
            del self._pending[given["SigninToken"]]
        return _page(
            "Signed in to the AWS console",
            f"Principal: {pending.session.arn}",
            f"Destination: {given['Destination']}",
        )

    def _require_alive(self, session: TemporaryCredentials) -> None:
        if session.expiration <= self._clock.now():
            raise SignInRefusedError("The session has expired.")
        role = self._directory.role(session.role.arn)
        if role is None or role.id != session.role.unique_id:
            raise SignInRefusedError("The session's role is gone.")


def _same(ours: str, given: str) -> bool:
    return hmac.compare_digest(ours.encode(), given.encode("utf-8", "surrogatepass"))


def _require_console(destination: str, partition: str) -> None:
    url = urlsplit(destination)
    host = _CONSOLES.get(partition)
    if url.scheme != "https" or host is None or re.fullmatch(host, url.netloc) is None:
        raise SignInRefusedError("Destination is not a page of this partition's console.")


def _parameters(query: str) -> dict[str, str]:
    found = parse_qs(query, keep_blank_values=True, strict_parsing=False)
    if any(len(values) > 1 for values in found.values()):
        raise SignInRefusedError("A parameter stands there twice.")
    return {name: value for name, (value,) in found.items()}


def _page(title: str, *lines: str) -> str:
    told = f"<h1>{escape(title)}</h1>" + "".join(f"<p>{escape(line)}</p>" for line in lines)
    head = f'<meta charset="utf-8"><title>{escape(title)}</title>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{told}</body></html>'
