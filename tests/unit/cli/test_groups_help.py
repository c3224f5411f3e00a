"""The help of a group of commands says of each what it does, to the end of the sentence."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from broker.cli import broker


def _groups() -> list[click.Group]:
    context = click.Context(broker)
    commands = [broker.get_command(context, name) for name in broker.list_commands(context)]
    return [broker, *(command for command in commands if isinstance(command, click.Group))]


@pytest.mark.parametrize("group", _groups(), ids=lambda group: group.name)
def test_no_sentence_is_cut_off(group):
    """In a narrow terminal it is folded instead."""
    ran = CliRunner().invoke(group, ["--help"], terminal_width=60)
    assert ran.exit_code == 0
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        sentence = command.get_short_help_str(1000)
        assert sentence in " ".join(ran.output.split())
