"""`broker roles`: which groups have which roles, and what each role may do."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from broker import settings
from broker.cli.permission_table import markdown, permitted_to
from broker.domain.identity.permissions import Role
from broker.domain.identity.role_mapping import FaultyMapping, RoleMapping, read_role_mapping
from broker.errors import ConfigurationError


@click.command(epilog="Exit codes: 0 shown, 2 wrong usage, wrong settings or a faulty file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--markdown", "as_markdown", is_flag=True, help="Print docs/permissions.md; needs no settings."
)
@click.option(
    "--check",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check this file instead of the one in the settings, and show it; needs no settings.",
)
def roles(*, as_json: bool, as_markdown: bool, file: Path | None) -> None:
    """Show which groups of your OpenID provider have which roles, and what each role may do.

    \b
      broker roles
      broker roles --check roles.toml
      broker roles --markdown > docs/permissions.md

    \b
    A roles file:
      [groups.support]
      roles = ["engineer"]
      [groups.customer-one]
      roles = ["customer"]
      accounts = ["111122223333"]
    """
    if as_markdown:
        click.echo(markdown(), nl=False)
        return
    mapping = settings.load().roles_file if file is None else _checked(file)
    if as_json:
        click.echo(json.dumps(_described(mapping), indent=2))
    else:
        _print(mapping)


def _checked(file: Path) -> RoleMapping:
    try:
        return read_role_mapping(file.read_text("utf-8"))
    except FaultyMapping as e:
        raise ConfigurationError([f"{file}: {problem}" for problem in e.problems]) from e
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigurationError([f"{file}: must be a readable file of TOML in UTF-8"]) from e


def _described(mapping: RoleMapping | None) -> dict[str, object]:
    groups = mapping.groups if mapping else {}
    return {
        "groups": {
            name: {"roles": sorted(given.roles), "accounts": sorted(given.account_ids)}
            for name, given in groups.items()
        },
        "roles": {
            role.value: {
                action.value: condition.value for action, condition in permitted_to(role).items()
            }
            for role in Role
        },
    }


def _print(mapping: RoleMapping | None) -> None:
    console = Console(soft_wrap=True, highlight=False)
    if mapping is None:
        console.print("No groups have roles: BROKER_OIDC_ISSUER is not set, so nobody signs in.")
    else:
        table = Table("Group", "Roles", "Accounts", title="Groups")
        for name, given in mapping.groups.items():
            accounts = ", ".join(sorted(given.account_ids)) or "all"
            table.add_row(escape(name), ", ".join(sorted(given.roles)), accounts)
        console.print(table)
    table = Table("Role", "Action", "Condition", title="What a role may do")
    for role in Role:
        for number, (action, condition) in enumerate(permitted_to(role).items()):
            table.add_row(role.value if number == 0 else "", action.value, condition.value)
        table.add_section()
    console.print(table)
