"""Groups of commands whose help names each command with its whole first sentence."""

from __future__ import annotations

import click

_WHOLE = 1000
"""Characters that no first sentence has: click cuts at this length, and folds by itself."""


class Group(click.Group):
    """A group in whose help no command's sentence is cut off; what is too long is folded."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the section of commands."""
        rows = [
            (name, command.get_short_help_str(_WHOLE))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
