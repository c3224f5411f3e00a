"""Groups of commands: what their help names, in which order, and what they say of a wrong name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

_WHOLE = 1000
"""Characters that no first sentence has: click cuts at this length, and folds by itself."""


class Group(click.Group):
    """A group in whose help no command's sentence is cut off; what is too long is folded."""

    def __init__(
        self, *args: Any, sections: Mapping[str, Sequence[str]] | None = None, **kwargs: Any
    ) -> None:
        """`sections` names commands under headings; without it all stand under one."""
        super().__init__(*args, **kwargs)
        self._sections = sections

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections of commands."""
        sections = self._sections or {"Commands": self.list_commands(ctx)}
        for heading, names in sections.items():
            rows = [
                (name, command.get_short_help_str(_WHOLE))
                for name in names
                if (command := self.get_command(ctx, name)) is not None and not command.hidden
            ]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the epilog; where a group has none, where to read on."""
        if self.epilog is None:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(
                    f"`{ctx.command_path} COMMAND --help` has options, examples and exit codes."
                )
        super().format_epilog(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant, or the near ones: also of those that are not imported yet."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as e:
            names = self.list_commands(ctx)
            raise click.NoSuchCommand(e.command_name, possibilities=names, ctx=ctx) from e
