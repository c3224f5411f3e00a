"""Credentials as text: what each shell runs, and what AWS's programs read.

Sources: the AWS CLI's user guide for the variables' names, for the file of credentials and for
`credential_process`; each shell's own rules of quoting.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from broker.domain.times import rfc3339


class Given(Protocol):
    """Credentials, as services have them and as the API answers them."""

    @property
    def access_key_id(self) -> str: ...
    @property
    def secret_access_key(self) -> str: ...
    @property
    def session_token(self) -> str: ...
    @property
    def expiration(self) -> datetime: ...


def env(given: Given) -> str:
    """Exports for a POSIX shell."""
    return _lines(f"export {name}={shlex.quote(value)}" for name, value in _variables(given))


def fish(given: Given) -> str:
    """Exports for fish, in which only backslash and quote mean something between single quotes."""
    return _lines(f"set -gx {name} {_in_fish(value)}" for name, value in _variables(given))


def powershell(given: Given) -> str:
    """Variables for PowerShell, in which a quote between single quotes is doubled."""
    return _lines(f"$Env:{name} = {_in_powershell(value)}" for name, value in _variables(given))


def ini(given: Given, *, profile: str = "support") -> str:
    """A section for a file of credentials; in such a file they are at rest, until they end."""
    return _lines(
        (
            f"[{profile}]",
            f"# ends {rfc3339(given.expiration)}",
            f"aws_access_key_id = {given.access_key_id}",
            f"aws_secret_access_key = {given.secret_access_key}",
            f"aws_session_token = {given.session_token}",
        )
    )


def credential_process(given: Given) -> str:
    """As AWS's SDKs read it; without Expiration nothing would ever be refreshed."""
    return json.dumps(
        {
            "Version": 1,
            "AccessKeyId": given.access_key_id,
            "SecretAccessKey": given.secret_access_key,
            "SessionToken": given.session_token,
            "Expiration": rfc3339(given.expiration),
        }
    )


IN_SHELLS: Mapping[str, Callable[[Given], str]] = {
    "env": env,
    "powershell": powershell,
    "fish": fish,
    "ini": ini,
}
"""What a person pastes somewhere, by the name of the form."""


def _variables(given: Given) -> tuple[tuple[str, str], ...]:
    return (
        ("AWS_ACCESS_KEY_ID", given.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", given.secret_access_key),
        ("AWS_SESSION_TOKEN", given.session_token),
        ("AWS_CREDENTIAL_EXPIRATION", rfc3339(given.expiration)),
    )


def _in_fish(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _in_powershell(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)
