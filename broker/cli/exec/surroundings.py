"""What COMMAND finds around it: the way to its credentials, and nothing that SDKs would prefer.

Source: "Standardized credential providers" in AWS's SDKs and Tools Reference Guide, which puts
variables, profiles and the shared files before the container provider.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PREFERRED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_CREDENTIAL_FILE",
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
_DEFAULT_PROFILE = ("default", "profile default")
_BOTO, _BOTO_OF_ALL = "BOTO_CONFIG", Path("/etc/boto.cfg")
_BOTO_SECTION = ("Credentials",)
"""Where the first boto had its credentials. botocore, and so the AWS CLI, still looks there, and
before the container provider; gsutil has a file of that kind written for others."""

_HEADER = re.compile(r"\[(?P<name>[^\]]*)\]")
_SETTING = re.compile(r"(?P<key>[^=:]+?)\s*[=:]\s*(?P<value>.*)")


@dataclass(frozen=True, slots=True)
class Way:
    """Where COMMAND gets its credentials."""

    url: str
    authorization: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A file that names credentials which SDKs would prefer, mostly in its default profile."""

    variable: str
    path: Path
    region: str | None


def hidden_files(environment: Mapping[str, str]) -> Sequence[Hidden]:
    """The files that COMMAND must not be led to, or it would work as somebody else."""
    home = Path(environment.get("HOME", "~")).expanduser()
    found = []
    for variable, parts in _FILES.items():
        path = Path(environment.get(variable) or home.joinpath(*parts)).expanduser()
        profile = _settings(path, _DEFAULT_PROFILE)
        if not _NAMES_CREDENTIALS.isdisjoint(profile):
            found.append(Hidden(variable, path, profile.get("region")))
    named = environment.get(_BOTO)
    for path in [Path(named).expanduser()] if named else [_BOTO_OF_ALL, home / ".boto"]:
        if not _NAMES_CREDENTIALS.isdisjoint(_settings(path, _BOTO_SECTION)):
            return [*found, Hidden(_BOTO, path, None)]
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


def _settings(path: Path, sections: Sequence[str]) -> Mapping[str, str]:
    """What the file sets in these sections; nothing where it is not there or cannot be read.

    Read as the most forgiving of all SDKs would: a line that one of them stumbles over does not
    keep another from the credentials that stand below it.
    """
    try:
        lines = path.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
    except OSError:
        return {}
    return dict(_settings_in(lines, sections))


def _settings_in(lines: Sequence[str], sections: Sequence[str]) -> Iterator[tuple[str, str]]:
    section = None
    for line in map(str.strip, lines):
        if (header := _HEADER.match(line)) is not None:
            section = " ".join(header["name"].replace('"', " ").replace("'", " ").split())
        elif section in sections and (setting := _SETTING.match(line)) is not None:
            yield setting["key"].lower(), setting["value"]
