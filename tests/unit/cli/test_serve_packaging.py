"""`broker serve` works wherever it is called, not only in a checkout."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

from broker.cli import serve

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_the_module_that_gunicorn_serves_is_installed_with_the_package() -> None:
    """It lies beside the packages, so it has to be named."""
    named = re.search(r'"(\w+):app"', inspect.getsource(serve))
    assert named is not None
    setuptools = tomllib.loads(PROJECT.read_text())["tool"]["setuptools"]
    assert named[1] in setuptools["py-modules"]
