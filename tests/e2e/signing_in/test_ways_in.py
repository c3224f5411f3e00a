"""People sign in from a terminal, by browser or with a code; and what must not work."""

from __future__ import annotations

import json
import os
import stat
import sys
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from broker.cli.demo.stage import command
from tests.e2e.engineers_shell import ROOT, Terminal, refuse
from tests.e2e.organisation import Browser
from tests.e2e.screen import Screen
from tests.e2e.signing_in.office import ENGINEER, Office

_VISITS = (
    "import sys; from tests.e2e.organisation import Browser; "
    'Browser("jane").__enter__().visit(sys.argv[1])'
)
"""Somebody in a browser, as a program of its own."""


def test_with_the_browser_of_this_machine(office: Office, terminal: Terminal) -> None:
    """Signed in once, every command knows who it is; a file holds it that nobody else can read."""
    done = terminal.sign_in()
    assert done.code == 0, done.err
    assert f"Signed in as {ENGINEER} (engineer)" in done.out
    assert "no keyring is used here" in done.out
    assert terminal.led_to().startswith(f"{office.provider.issuer}/auth?")
    (kept,) = terminal.sign_ins.glob("*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(terminal.sign_ins.stat().st_mode) == 0o700
    me = terminal.told("whoami")
    assert (me["subject"], me["signed_in_by"], me["credential"]) == (
        ENGINEER,
        "identity_token",
        "file",
    )


def test_with_a_code_where_there_is_no_browser(terminal: Terminal) -> None:
    """Chosen by itself here, since nothing is shown on this machine."""
    with terminal.started("login", "--json") as running:
        address = running.link()
        code = running.line(r"  (\w{4}-\w{4})")
        with Browser("jane") as browser:
            browser.visit(address, filling_in={"user_code": code})
        done = running.done()
    assert done.code == 0, done.err
    assert json.loads(done.out)["subject"] == ENGINEER
    assert not terminal.opened.exists()
    assert terminal.told("whoami")["subject"] == ENGINEER


def test_a_code_that_is_refused(terminal: Terminal) -> None:
    """Said at once, with an exit code of its own; nothing is kept."""
    with terminal.started("login", "--device") as running:
        complete = running.line(r"  (http\S+user_code\S+)")
        with Browser("jane") as browser:
            refuse(browser, complete)
        done = running.done()
    assert done.code == 3
    assert "access_denied" in done.err
    assert not terminal.sign_ins.exists()


def test_a_code_that_nobody_enters(terminal: Terminal) -> None:
    """The command does not wait for ever, and says what to do."""
    done = terminal.run("login", "--device", "--timeout", "1")
    assert done.code == 1
    assert "Nobody entered the code within 1 seconds" in done.err
    assert "Run `broker login --device` for a new one" in done.err


def test_nobody_comes_back_from_the_browser(terminal: Terminal) -> None:
    """The same for the browser."""
    done = terminal.run("login", "--browser", "--timeout", "1")
    assert done.code == 1
    assert "Nobody signed in within 1 seconds" in done.err


def test_somebody_cancels_at_the_provider(terminal: Terminal) -> None:
    """The page does not say that they are signed in, nor does the terminal."""
    with terminal.started("login", "--browser") as running:
        with Browser("jane") as browser:
            page = refuse(browser, running.link())
        done = running.done()
    assert "You are not signed in" in page.text
    assert (done.code, done.out) == (3, "")
    assert "(access_denied). [provider_refused]" in done.err
    assert not terminal.sign_ins.exists()


def test_somebody_without_a_role(terminal: Terminal) -> None:
    """The broker turns them away, and nothing is kept of them."""
    done = terminal.sign_in("rob")
    assert done.code == 3
    assert "[forbidden]" in done.err
    assert not terminal.sign_ins.exists()


def test_only_the_right_answer_counts_at_the_loopback_port(terminal: Terminal) -> None:
    """Others are refused and spoil nothing; the page holds nothing and loads nothing."""
    with terminal.started("login", "--browser") as running:
        link = running.link()
        redirect = parse_qs(urlsplit(link).query)["redirect_uri"][0]
        state = parse_qs(urlsplit(link).query)["state"][0]
        port = urlsplit(redirect).port
        with httpx.Client(trust_env=False) as http:
            assert http.get(f"http://127.0.0.1:{port}/").status_code == 404
            assert http.get(f"http://127.0.0.1:{port}/favicon.ico").status_code == 404
            right = {"state": state, "code": "stolen"}
            for wrong in ({}, {"code": "x"}, {"code": "x", "state": "y"}, {"state": [state, "y"]}):
                assert http.get(redirect, params=wrong).status_code == 400
            rebound = http.get(redirect, params=right, headers={"Host": f"evil.example:{port}"})
            assert rebound.status_code == 404
            assert http.post(redirect, params=right).status_code == 501
            with pytest.raises(httpx.ConnectError):
                http.get(redirect.replace("127.0.0.1", "127.0.0.2"))
        with Browser("jane") as browser:
            page = browser.visit(link)
        done = running.done()
    assert done.code == 0, done.err
    assert "You are signed in" in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    with pytest.raises(httpx.ConnectError):
        httpx.get(redirect, trust_env=False)


@pytest.mark.parametrize("iss", [None, "https://evil.example"])
def test_an_answer_of_another_provider(office: Office, terminal: Terminal, iss: str | None) -> None:
    """RFC 9207: this provider names itself, so an answer that does not is not its own."""
    with terminal.started("login", "--browser") as running:
        link = running.link()
        question = parse_qs(urlsplit(link).query)
        redirect = question["redirect_uri"][0]
        with Browser("jane") as browser:
            back = browser.visit(link, until=redirect)
            answer = parse_qs(urlsplit(back.headers["Location"]).query)
            assert answer["iss"] == [office.provider.issuer]
            spoilt = {"code": answer["code"][0], "state": answer["state"][0], "iss": iss}
            page = browser.http.get(
                redirect, params={name: value for name, value in spoilt.items() if value}
            )
        done = running.done()
    assert "You are not signed in" in page.text
    assert (done.code, "[identity_token_wrong_issuer]" in done.err) == (3, True)


def test_a_browser_that_lasts_longer_than_the_sign_in(terminal: Terminal) -> None:
    """Neither the command nor whoever reads its output waits until its windows are closed."""
    lasting = terminal.home / "lasting-browser"
    terminal.home.mkdir()
    lasting.write_text(f'#!/bin/sh\necho "$1" >> {terminal.opened}\nread _ < {terminal.home}/end\n')
    lasting.chmod(0o700)
    os.mkfifo(terminal.home / "end")
    waiting = Terminal(terminal.home, terminal.url, {"BROWSER": str(lasting), "BROKER_TOKEN": "x"})
    with waiting.started("login", "--browser") as running, Browser("jane") as browser:
        page = browser.visit(running.link())
        assert "You are signed in" in page.text
        done = running.done()
    assert done.code == 0, done.err
    assert "BROKER_TOKEN is set" in done.err
    # It waits until somebody reads, so the browser was there all the time.
    (terminal.home / "end").write_text("now\n")


def test_a_browser_in_the_terminal(terminal: Terminal) -> None:
    """It has the terminal until somebody leaves it; then the command goes on."""
    terminal.home.mkdir()
    lynx = terminal.home / "lynx"
    lynx.write_text(
        "#!/bin/sh\n[ -t 0 ] && [ -t 1 ] || exit 1\n"
        f"PYTHONPATH={ROOT} {sys.executable} -c '{_VISITS}' \"$1\"\n"
        "printf 'q to leave: '; read -r key; echo \"left with $key\"\n"
    )
    lynx.chmod(0o700)
    environment = {**terminal.environment(), "BROWSER": f"{lynx} %s"}
    words = (str(command("broker")), "login", "--browser")
    with Screen(*words, home=terminal.home, environment=environment) as screen:
        screen.see("q to leave: ")
        screen.type("q\n")
        screen.see("left with q")
        screen.see(f"Signed in as {ENGINEER}")
        assert screen.ended() == 0
