"""Groups of commands that import a command only when it is called.

`broker get` must not wait for what `serve` needs, nor `broker ledger verify` need a store.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from broker.cli.grammar.groups import Group


class LazyGroup(Group):
    """A group whose commands each stand in a module of their own, under their own name."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **kwargs: Any) -> None:
        """`modules` names the module of each command."""
        super().__init__(*args, **kwargs)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, for the help text."""
        del ctx
        return list(self._modules)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names alone: for their sentences every command would have to be imported."""
        names = [CompletionItem(name) for name in self._modules if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None if there is no such name."""
        del ctx
        if cmd_name not in self._modules:
            return None
        module = import_module(self._modules[cmd_name])
        commands = (each for each in vars(module).values() if isinstance(each, click.Command))
        return next(command for command in commands if command.name == cmd_name)
