"""What COMMAND finds around it: the way to its credentials, and nothing that SDKs would prefer.

Source: "Standardized credential providers" in AWS's SDKs and Tools Reference Guide, which puts
variables, profiles and the shared files before the container provider.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PREFERRED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_DEFAULT_PROFILE",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_TOKEN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    }
)
_CONTAINER = "AWS_CONTAINER_"
"""Variables of the very protocol that is served here: those of an outer container go."""

_NAMES_CREDENTIALS = frozenset(
    {
        "aws_access_key_id",
        "credential_process",
        "credential_source",
        "login_session",
        "role_arn",
        "sso_account_id",
        "sso_session",
        "sso_start_url",
        "web_identity_token_file",
    }
)
"""Settings of a profile by which an SDK finds credentials in it."""

_FILES: Mapping[str, Sequence[str]] = {
    "AWS_CONFIG_FILE": (".aws", "config"),
    "AWS_SHARED_CREDENTIALS_FILE": (".aws", "credentials"),
}


@dataclass(frozen=True, slots=True)
class Way:
    """Where COMMAND gets its credentials."""

    url: str
    authorization: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A file whose default profile names credentials of its own, which SDKs would prefer."""

    variable: str
    path: Path
    region: str | None


def hidden_files(environment: Mapping[str, str]) -> Sequence[Hidden]:
    """The files that COMMAND must not be led to, or it would work as somebody else."""
    found = []
    for variable, parts in _FILES.items():
        default = Path(environment.get("HOME", "~")).expanduser().joinpath(*parts)
        path = Path(environment.get(variable) or default).expanduser()
        profile = _default_profile(path)
        if not _NAMES_CREDENTIALS.isdisjoint(profile):
            found.append(Hidden(variable, path, profile.get("region")))
    return found


def surroundings(
    environment: Mapping[str, str], *, way: Way, region: str | None, hidden: Sequence[Hidden]
) -> dict[str, str]:
    """The environment of COMMAND, from that of `broker exec`."""
    kept = {name: value for name, value in environment.items() if not _goes(name)}
    region = region or next(
        (each.region for each in hidden if each.region and not _says_region(kept)), None
    )
    return {
        **kept,
        **{each.variable: os.devnull for each in hidden},
        **({"AWS_REGION": region, "AWS_DEFAULT_REGION": region} if region else {}),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": way.url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": way.authorization,
    }


def _goes(name: str) -> bool:
    """The engineer's own credential goes too: COMMAND gets what the ticket gives, and no more."""
    own = name.startswith("BROKER_") and name.endswith("_TOKEN")
    return own or name in _PREFERRED or name.startswith(_CONTAINER)


def _says_region(environment: Mapping[str, str]) -> bool:
    return "AWS_REGION" in environment or "AWS_DEFAULT_REGION" in environment


def _default_profile(path: Path) -> Mapping[str, str]:
    """Settings of the default profile; none where the file is not there or cannot be read."""
    parser = configparser.RawConfigParser(strict=False, default_section="\0", allow_no_value=True)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        # SDKs stumble over it as well, and then say so: nothing in it can win.
        return {}
    for section in ("default", "profile default"):
        if parser.has_section(section):
            return {name: value or "" for name, value in parser.items(section)}
    return {}
