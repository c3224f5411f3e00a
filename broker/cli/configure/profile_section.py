"""A profile's section in the AWS CLI's configuration file, changed in the keys that are ours.

Everything else in the file stays as it is, byte for byte. What an SDK could read otherwise than we
do is not touched: it is named, for a person to put right.

Source: "Configuration and credential file settings" in the AWS CLI's user guide, and botocore's
`configloader`, which reads the file with Python's strict `RawConfigParser`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_HEADER = re.compile(r"\[(?P<name>[^\]]*)\]")
_SETTING = re.compile(r"(?P<key>[^\s#;=:\[][^=:]*?)(?P<between>\s*[=:]\s*)(?P<value>.*)")
_REMARK = ("#", ";")

_OTHER_CREDENTIALS = (
    "aws_access_key_id",
    "credential_source",
    "login_session",
    "role_arn",
    "source_profile",
    "sso_account_id",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
)


class Ambiguous(Exception):
    """The file can be read in two ways, or says something else of the profile already."""


@dataclass(frozen=True, slots=True)
class _Section:
    """Lines of a file: the header's, and the one behind the section's last setting."""

    header: int
    end: int


def profile_header(name: str) -> str:
    """The header of a profile's section in the configuration file."""
    return "default" if name == "default" else f"profile {name}"


def with_settings(text: str, *, profile: str, settings: Mapping[str, str]) -> str:
    """`text` with these settings in the profile's section, which is made where there is none.

    Raises Ambiguous.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = _lines(text)
    found = [section for name, section in _sections(lines) if name == profile_header(profile)]
    if len(found) > 1:
        raise Ambiguous(f"[{profile_header(profile)}] stands there twice.")
    if not found:
        return _appended(text, profile=profile, settings=settings, newline=newline)
    _require_no_other_credentials(lines, found[0])
    for key, value in settings.items():
        _set(lines, found[0].header, key, value, newline=newline)
    return "".join(lines)


def names_keys(text: str, *, profile: str) -> bool:
    """Whether a file of credentials has keys for the profile, which SDKs prefer to everything."""
    lines = _lines(text)
    return any(
        "aws_access_key_id" in dict(_settings(lines, section))
        for name, section in _sections(lines)
        if name == profile
    )


def _lines(text: str) -> list[str]:
    """As the file's readers see them, each with its own end. Raises Ambiguous."""
    if text.startswith("\ufeff"):
        raise Ambiguous("It begins with a byte order mark, which some readers take for a name.")
    return io.StringIO(text, newline="").readlines()


def _sections(lines: Sequence[str]) -> Iterator[tuple[str, _Section]]:
    """Each section's name, with its spaces made one and its quotes taken off."""
    headers = [index for index, line in enumerate(lines) if line.startswith("[")]
    for header, behind in zip(headers, [*headers, len(lines)][1:], strict=True):
        found = _HEADER.match(lines[header])
        if found is None:
            raise Ambiguous(f"Line {header + 1} begins a section and does not end its name.")
        name = " ".join(found["name"].replace('"', " ").replace("'", " ").split())
        filled = [index for index in range(header, behind) if _says_something(lines[index])]
        yield name, _Section(header, filled[-1] + 1)


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(_REMARK)


def _settings(lines: Sequence[str], section: _Section) -> Iterator[tuple[str, int]]:
    """Each setting's key with its line; lines that are indented belong to the one above."""
    for index in range(section.header + 1, section.end):
        if lines[index][:1].isspace():
            continue
        found = _SETTING.match(lines[index])
        if found is not None:
            yield found["key"].strip().lower(), index


def _require_no_other_credentials(lines: Sequence[str], section: _Section) -> None:
    keys = [key for key, _ in _settings(lines, section)]
    others = [key for key in _OTHER_CREDENTIALS if key in keys]
    if others:
        raise Ambiguous(
            f"The profile has {' and '.join(others)} already, by which SDKs find other credentials."
        )


def _set(lines: list[str], header: int, key: str, value: str, *, newline: str) -> None:
    """Put one setting into the section that begins at `header`, in place or behind the others."""
    section = next(each for _, each in _sections(lines) if each.header == header)
    places = [index for known, index in _settings(lines, section) if known == key]
    if len(places) > 1:
        raise Ambiguous(f"{key} stands twice in the profile.")
    if not places:
        _end_line(lines, section.end - 1, newline=newline)
        lines.insert(section.end, f"{key} = {value}{newline}")
        return
    (place,) = places
    found = _SETTING.match(lines[place])
    if found is None or found["value"].rstrip() == value:
        return
    ending = lines[place][len(lines[place].rstrip("\r\n")) :]
    lines[place] = f"{lines[place][: found.start('value')].rstrip()} {value}{ending}"
    while place + 1 < section.end and lines[place + 1][:1].isspace():
        # The rest of a value that went on over several lines.
        del lines[place + 1]
        section = _Section(section.header, section.end - 1)


def _end_line(lines: list[str], index: int, *, newline: str) -> None:
    """Give the file's last line its end, where it has none."""
    if not lines[index].endswith(("\n", "\r")):
        lines[index] += newline


def _appended(text: str, *, profile: str, settings: Mapping[str, str], newline: str) -> str:
    gap = ""
    if text:
        gap = newline if text.endswith(("\n", "\r")) else newline * 2
    section = [f"[{profile_header(profile)}]", *(f"{key} = {v}" for key, v in settings.items())]
    return text + gap + newline.join(section) + newline
