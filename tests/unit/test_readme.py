"""README and docs say what is there: every setting, every route, every command, no dead link."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from broker.cli import broker
from broker.settings import PREFIX, Settings
from broker.web.api import APIS, PUBLIC_APIS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
OPERATIONS = (
    *("/healthz", "/readyz", "/metrics"),
    *("/openapi.json", "/docs", "/onboarding/template.yaml"),
)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_stands_in_the_table(name):
    """An operator finds each variable, with its default."""
    assert f"`{PREFIX}{name.upper()}`" in README


def test_no_setting_in_the_table_is_invented():
    """What the table names exists."""
    named = set(re.findall(r"`BROKER_([A-Z_]+)`(?:,| \|)", README))
    assert named <= {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (endpoint.method, endpoint.path)
        for api in (*APIS, *PUBLIC_APIS)
        for endpoint in api.endpoints
    ]
    + [("GET", path) for path in OPERATIONS]
    + [("POST", "/hooks/sns")]
    + [("GET", "/sign-in?return_to="), ("GET", "/sign-in/callback"), ("POST", "/sign-out")],
)
def test_every_route_stands_in_a_table(method, path):
    """A caller finds each route."""
    assert f"`{method} {path.replace('<', '{').replace('>', '}')}`" in README


@pytest.mark.parametrize("command", broker.list_commands(click.Context(broker)))
def test_every_command_is_named(command):
    """Somebody who reads on knows that it exists."""
    assert f"broker {command}" in README or command == "demo"


def _spoken_of() -> list[str]:
    """The commands in the README's sentences and tables; blocks are run by an end-to-end test."""
    spoken = re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE)
    return sorted(set(re.findall(r"`(broker [^`]+)`", spoken)))


@pytest.mark.parametrize("spoken", _spoken_of())
def test_no_command_is_invented(spoken):
    """What is spoken of is there, with its options; what follows `--` is somebody else's."""
    words = spoken.partition(" -- ")[0].split()[1:]
    context = click.Context(broker, info_name="broker")
    while words and isinstance(context.command, click.Group) and words[0][0] not in "-…":
        name, command, words = context.command.resolve_command(context, words)
        assert command is not None
        context = click.Context(command, info_name=name, parent=context)
    known = {flag for param in context.command.params for flag in param.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"])
def test_no_link_is_dead(page):
    """A relative link leads to a file."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
