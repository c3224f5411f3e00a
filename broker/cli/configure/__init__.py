"""`broker configure`: a profile by which every AWS tool gets credentials for a ticket."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from broker.cli.asking import Target, finds_the_broker
from broker.cli.configure.profile_section import Ambiguous, names_keys, with_settings
from broker.cli.configure.replacing import Changed, replace, text_of
from broker.cli.failures import CommandFailed
from broker.cli.opening.picking import has_terminal, named
from broker.cli.opening.wanted import NamedSession, WantedSession, names_a_session

_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+/-]{0,63}")
_WORD = re.compile(r"[a-z0-9-]{1,64}")
_SECRET = re.compile(r"(?i)(aws_(?:secret_access_key|session_token)[ \t]*[=:])[^\r\n]*")


class _ProfileName(click.ParamType[str]):
    name = "profile"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, if no tool could read it as anything else."""
        if _PROFILE.fullmatch(value) is None:
            self.fail(
                "It must be 1 to 64 of letters, digits and _.@+/- and begin with one.", param, ctx
            )
        return value


class _Word(click.ParamType[str]):
    """A value that is one word: a line more in the file would be a setting of its own."""

    name = "word"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word."""
        if _WORD.fullmatch(value) is None:
            self.fail("It must be of a-z, 0-9 and -.", param, ctx)
        return value


@click.command(
    epilog="Exit codes: 0 written or nothing to change, 1 failed or not confirmed, 2 wrong usage."
)
@names_a_session
@click.option(
    "--profile-name",
    type=_ProfileName(),
    show_default="support-ACCOUNT",
    help="What to call the profile: `aws --profile NAME`.",
)
@click.option("--region", type=_Word(), metavar="TEXT", help="AWS Region of the profile.")
@click.option(
    "--output",
    type=_Word(),
    metavar="TEXT",
    help="Output format of the profile, as the AWS CLI has it: json, table.",
)
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@finds_the_broker
def configure(
    *,
    wanted: WantedSession,
    profile_name: str | None,
    region: str | None,
    output: str | None,
    yes: bool,
    dry_run: bool,
    target: Target,
) -> None:
    """Write an AWS profile that gets its credentials for a ticket by itself.

    In ~/.aws/config, or the file that AWS_CONFIG_FILE names, the profile gets a credential_process
    that runs `broker get`; the file holds no secret. The change is shown first. Comments, order
    and everything else in the file stay as they are; of a profile that is there already, only
    credential_process, and region and output where they are given, are changed.

    \b
      broker configure --account 111122223333 --ticket T-1042 --profile-name harbour
      aws --profile harbour s3 ls
    """
    session = _named(wanted, target)
    profile = profile_name or f"support-{session.account_id}"
    settings = {"credential_process": _process(session, target), "region": region, "output": output}
    given = {key: value for key, value in settings.items() if value}
    file = _file("AWS_CONFIG_FILE", "config")
    before = _read(file)
    after = _changed(file, before, profile=profile, settings=given)
    if after == before:
        click.echo(f"{file} says so already.", err=True)
        return
    click.echo(_difference(before, after, file), nl=False)
    if dry_run:
        return
    _confirm(file, yes=yes)
    _write(file, before=before, after=after)
    click.echo(f"Written. Try: aws --profile {profile} sts get-caller-identity", err=True)


def _changed(file: Path, before: str, *, profile: str, settings: Mapping[str, str]) -> str:
    """The file's text with the profile's settings. Raises CommandFailed where it is ambiguous."""
    try:
        _require_no_keys(profile)
        return with_settings(before, profile=profile, settings=settings)
    except Ambiguous as e:
        raise CommandFailed(f"{file} was left as it is. {e} Mend it, or say --profile-name.") from e


def _named(wanted: WantedSession, target: Target) -> NamedSession:
    """The session's account and ticket; the broker is asked only where something is picked."""
    if wanted.account_id is not None and wanted.ticket is not None:
        return wanted.at(wanted.account_id, wanted.ticket)
    with target.broker() as broker:
        return named(wanted, broker)


def _process(session: NamedSession, target: Target) -> str:
    """The command that SDKs run: each splits it like a POSIX shell, or lets one run it."""
    wanted = session.wanted
    words = [str(_this_command()), "get", "--account", session.account_id]
    words += ["--ticket", session.ticket, "--access", session.access.value]
    words += [] if wanted.duration_seconds is None else ["--duration", str(wanted.duration_seconds)]
    words += [word for service in wanted.services for word in ("--service", service)]
    words += ["--grant", wanted.grant_id] if wanted.grant_id else []
    words += ["--reason", wanted.reason] if wanted.reason else []
    words += ["--profile", target.profile] if target.profile else ["--url", target.url]
    words += ["--format", "credential-process"]
    line = shlex.join(words)
    if not line.isprintable():
        raise click.UsageError("--reason must be one line of text.")
    return line


def _this_command() -> Path:
    """Where `broker` is, whatever PATH the tools that call it have."""
    return Path(sys.argv[0]).absolute()


def _file(variable: str, name: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / ".aws" / name).expanduser()


def _read(file: Path) -> str:
    try:
        return text_of(file)
    except (OSError, UnicodeDecodeError) as e:
        why = os.strerror(e.errno or 0) if isinstance(e, OSError) else "It is not UTF-8"
        raise CommandFailed(f"{file} cannot be read. {why}.") from e


def _require_no_keys(profile: str) -> None:
    """Raises Ambiguous where the file of credentials has keys under the profile's name."""
    credentials = _file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
    if names_keys(_read(credentials), profile=profile):
        raise Ambiguous(f"{credentials} has keys for [{profile}], which SDKs would prefer.")


def _difference(before: str, after: str, file: Path) -> str:
    """A unified diff, as `diff -u` writes it; of the profiles beside it, without their secrets."""
    old, new = (
        [_SECRET.sub(r"\1…", line) for line in text.splitlines()] for text in (before, after)
    )
    lines = difflib.unified_diff(old, new, str(file), f"{file} (new)", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _confirm(file: Path, *, yes: bool) -> None:
    if yes:
        return
    if not has_terminal():
        raise click.UsageError("Nobody can be asked here: say --yes to write, or --dry-run.")
    click.confirm(f"Write {file}?", abort=True, err=True)


def _write(file: Path, *, before: str, after: str) -> None:
    try:
        replace(file, before=before, after=after)
    except Changed as e:
        raise CommandFailed(f"{file} was changed meanwhile, by others. Run it again.") from e
    except OSError as e:
        raise CommandFailed(f"{file} cannot be written: {os.strerror(e.errno or 0)}.") from e
