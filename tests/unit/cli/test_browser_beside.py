"""The browser is opened beside the command, with nothing of the command's."""

from __future__ import annotations

import json
import os
import sys
import webbrowser
from pathlib import Path

import pytest

from broker.cli.loopback.browser import open_in_browser

ADDRESS = "http://127.0.0.1:1/cAnArY"
PATIENCE = 120

_BROWSER = f"""#!{sys.executable}
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
with open("/proc/%d/cmdline" % os.getppid()) as parent:
    seen = {{
        "arguments": sys.argv[1:],
        "parent": parent.read(),
        "input": sys.stdin.read(),
        "outputs": [os.readlink("/proc/self/fd/%d" % number) for number in (1, 2)],
    }}
(here / "seen.json").write_text(json.dumps(seen))
"""


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python looks at BROWSER once in a process."""
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})


def _program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o700)
    return path


def test_nothing_of_the_command_goes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the browser's own arguments hold the address; its outputs are none of the command's."""
    monkeypatch.setenv("BROWSER", f"{_program(tmp_path / 'browser', _BROWSER)} %s")
    assert open_in_browser(ADDRESS).result(PATIENCE) is True
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["arguments"] == [ADDRESS]
    assert "cAnArY" not in seen["parent"]
    assert seen["input"] == ""
    assert seen["outputs"] == [os.devnull, os.devnull]


def test_nobody_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function returns while the browser is there; it is known later whether there was one."""
    end = tmp_path / "end"
    os.mkfifo(end)
    lasting = _program(tmp_path / "lasting", f"#!/bin/sh\nread _ < {end}\n")
    monkeypatch.setenv("BROWSER", str(lasting))
    opened = open_in_browser(ADDRESS)
    assert not opened.done()
    end.write_text("now\n")
    assert opened.result(PATIENCE) is True


@pytest.mark.parametrize("browser", ["false", "/does/not/exist %s"])
def test_that_there_is_none_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: str
) -> None:
    """Where none can be started, or it fails."""
    monkeypatch.setenv("PATH", str(_with_false(tmp_path)))
    monkeypatch.setenv("BROWSER", browser)
    assert open_in_browser(ADDRESS).result(PATIENCE) is False


def test_a_module_in_the_current_folder_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder may be somebody else's."""
    (tmp_path / "webbrowser.py").write_text("def open(_): return True\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(_with_false(tmp_path)))
    monkeypatch.setenv("BROWSER", "false")
    assert open_in_browser(ADDRESS).result(PATIENCE) is False


@pytest.mark.parametrize("browser", ["lynx", "/usr/bin/w3m %s"])
def test_one_that_needs_a_terminal_is_not_started_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: str
) -> None:
    """It would read the page to nobody, and use up what can be followed once."""
    started = tmp_path / "started"
    _program(tmp_path / "lynx", f"#!/bin/sh\n: > {started}\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("BROWSER", browser)
    assert open_in_browser(ADDRESS).result(PATIENCE) is False
    assert not started.exists()


def _with_false(folder: Path) -> Path:
    """A PATH on which there is one program, that fails, and no browser."""
    programs = folder / "programs"
    programs.mkdir()
    _program(programs / "false", "#!/bin/sh\nexit 1\n")
    return programs
