"""Every command that there is, found by walking down from `broker`, and what its help shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from broker.cli import broker

_INSIDE = re.compile(r"\$\((broker [^)]*)\)")
_END = frozenset({"|", ">", ">>", "&&", "||", ";", "&"})


@dataclass(frozen=True)
class Found:
    """A command and the words that call it."""

    words: tuple[str, ...]
    command: click.Command

    def __str__(self) -> str:
        return " ".join(self.words)

    @property
    def options(self) -> Sequence[click.Option]:
        """Its options, but for those that are not shown."""
        shown = (each for each in self.command.params if isinstance(each, click.Option))
        return [option for option in shown if not option.hidden]

    def examples(self) -> Sequence[str]:
        """The lines of its help that call it, each as the command alone."""
        lines = (line.strip() for line in (self.command.help or "").splitlines())
        calls = [call for line in lines for call in calls_in(line)]
        return [call for call in calls if f"{call} ".startswith(f"{self} ")]


def calls_in(line: str) -> Iterator[str]:
    """The calls of `broker` in a line of a shell, without what goes on behind them."""
    inside = _INSIDE.findall(line)
    if inside:
        yield from inside
    elif line.startswith("broker "):
        yield line


def words_of(call: str) -> list[str]:
    """What `broker` gets as its arguments: up to a pipe, a redirection or a comment."""
    words = shlex.shlex(call, posix=True, punctuation_chars="|>&;")
    words.whitespace_split = True
    taken: list[str] = []
    for word in words:
        if word in _END:
            break
        taken.append(word)
    return taken[1:]


def parse(words: Sequence[str]) -> click.Context:
    """Parse a whole command line with the real parameters; nothing is carried out.

    Raises click.ClickException where the command would.
    """
    context = broker.make_context("broker", list(words))
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, command, behind = context.command.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, behind, parent=context)
    return context


def all_commands() -> Sequence[Found]:
    """Groups and commands, `broker` itself first."""
    return list(_below(Found(("broker",), broker), click.Context(broker, info_name="broker")))


def _below(found: Found, context: click.Context) -> Iterator[Found]:
    yield found
    if isinstance(found.command, click.Group):
        for name in found.command.list_commands(context):
            command = found.command.get_command(context, name)
            assert command is not None, name
            below = click.Context(command, info_name=name, parent=context)
            yield from _below(Found((*found.words, name), command), below)
