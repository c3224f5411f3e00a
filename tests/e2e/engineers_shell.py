"""Somebody at a terminal: the `broker` command with a home of its own, and what it printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import httpx

from broker.cli.demo.stage import command
from tests.contract.store_servers import until
from tests.e2e.organisation import Browser
from tests.e2e.recording_keyring import VARIABLE

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
_MOST_PAGES = 5


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass
class Terminal:
    """Its settings and its state are in `home`; everything printed is collected."""

    home: Path
    url: str | None
    variables: Mapping[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """The file of profiles."""
        return self.home / "config.toml"

    @property
    def sign_ins(self) -> Path:
        """The folder of what is kept of sign-ins."""
        return self.home / "state" / "broker" / "sign-ins"

    @property
    def opened(self) -> Path:
        """What was opened in the browser, a line each."""
        return self.home / "opened"

    def led_to(self) -> str:
        """Where the browser was led, which may be later than the command ends."""
        until(lambda: self.opened.is_file() and self.opened.read_text().endswith("\n"))
        return self.opened.read_text()

    def environment(self) -> dict[str, str]:
        """Of every command: nothing of this machine's user gets in."""
        self.home.mkdir(exist_ok=True)
        browser = self.home / "browser"
        browser.write_text(f'#!/bin/sh\necho "$1" >> {self.opened}\n')
        browser.chmod(0o700)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("BROKER_", "AWS_", "XDG_", "SSH_", "DISPLAY", "WAYLAND"))
        }
        named = {} if self.url is None else {"BROKER_URL": self.url}
        return {
            **inherited,
            **named,
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "BROKER_CONFIG": str(self.config),
            "BROKER_KEYRING": "off",
            "BROWSER": str(browser),
            **self.variables,
        }

    def with_keyring(self) -> Self:
        """The same, on a machine that has a keyring."""
        keyring = {
            "BROKER_KEYRING": "on",
            "PYTHONPATH": str(ROOT),
            "PYTHON_KEYRING_BACKEND": "tests.e2e.recording_keyring.RecordingKeyring",
            VARIABLE: str(self.home / "keyring.json"),
        }
        return type(self)(self.home, self.url, {**self.variables, **keyring}, self.printed)

    @contextmanager
    def started(self, *arguments: str) -> Iterator[Running]:
        """The command while it runs."""
        with subprocess.Popen(
            [str(command("broker")), *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            running = Running(process, self.printed)
            try:
                yield running
            finally:
                if process.poll() is None:
                    process.kill()

    def run(self, *arguments: str) -> Done:
        """The command from beginning to end."""
        with self.started(*arguments) as running:
            return running.done()

    def told(self, *arguments: str) -> Any:
        """What it answers as JSON; it must succeed."""
        done = self.run(*arguments, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    def sign_in(self, login: str = "jane", *arguments: str) -> Done:
        """The whole way with the browser of this machine."""
        with self.started("login", "--browser", *arguments) as running:
            with Browser(login) as browser:
                browser.visit(running.link())
            return running.done()


@dataclass
class Running:
    """A command that has not ended yet."""

    process: subprocess.Popen[str]
    printed: list[str]
    _err: str = ""

    def link(self) -> str:
        """The first address that it tells its user to open."""
        return self.line(r"  (https?://\S+)")

    def line(self, pattern: str) -> str:
        """What the first line on standard error that matches holds; waits for it."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._err += line
            found = re.fullmatch(pattern, line.rstrip("\n"))
            if found is not None:
                return found[1]
        raise AssertionError(f"It never printed {pattern}: {self._err}")

    def done(self) -> Done:
        """What there is once it has ended."""
        out, err = self.process.communicate(timeout=PATIENCE)
        done = Done(self.process.returncode, out, self._err + err)
        self.printed += [done.out, done.err]
        return done


def refuse(browser: Browser, url: str) -> httpx.Response:
    """Somebody who goes as far as to where they can cancel, and does; where that leads them."""
    answer = _followed(browser, browser.http.get(url))
    for _ in range(_MOST_PAGES):
        cancel = re.search(r'href="([^"]+/abort)"', answer.text)
        if cancel is not None:
            return _followed(browser, browser.http.get(urljoin(str(answer.url), cancel[1])))
        answer = _followed(browser, browser.submit(answer))
    raise AssertionError(f"{url} leads to nothing that can be cancelled: {answer.text}")


def _followed(browser: Browser, answer: httpx.Response) -> httpx.Response:
    while answer.has_redirect_location:
        answer = browser.http.get(urljoin(str(answer.url), answer.headers["Location"]))
    return answer
