"""What `broker demo` does before it starts anything."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from broker.cli.demo import command, performance
from broker.cli.demo.telling import Telling


def test_the_help_text_teaches() -> None:
    """What it shows, how to take part, and what is in the env file."""
    told = CliRunner().invoke(command.demo, ["--help"])
    assert told.exit_code == 0
    for words in (". .demo/env", "broker get", "aws sts get-caller-identity", "BROKER_ADMIN_TOKEN"):
        assert words in told.output


def test_without_the_sandbox_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Production does not install moto."""
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    told = CliRunner().invoke(command.demo, ["--once"])
    assert told.exit_code == 1
    assert "support-access-broker[sandbox,dev]" in told.output


def test_a_folder_of_somebody_else_is_one_sentence(tmp_path: Path) -> None:
    """And nothing was started or deleted."""
    (tmp_path / "thesis.txt").write_text("years of work")
    told = CliRunner().invoke(command.demo, ["--once", "--folder", str(tmp_path)])
    assert told.exit_code == 1
    assert "holds what no demo made" in told.output
    assert (tmp_path / "thesis.txt").exists()


def test_a_taken_port_is_replaced_by_any_other() -> None:
    """And the reader is told."""
    output = io.StringIO()
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert performance._free_or_any(taken, Telling(Console(file=output))) == 0
    assert output.getvalue() == f"Port {taken} is taken; another one will do.\n"


def test_a_free_port_is_kept() -> None:
    """So that bookmarks and examples go on working."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    output = io.StringIO()
    assert performance._free_or_any(port, Telling(Console(file=output))) == port
    assert output.getvalue() == ""
