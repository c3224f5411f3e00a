"""People sign in from a terminal: browser, device, renewal, sign-out; and what must not work."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from broker.cli.demo.stage import Stage, free_port
from tests.e2e.engineers_shell import Terminal, refuse
from tests.e2e.organisation import CLI, SCOPE, Browser, Provider
from tests.e2e.world import METADATA, TICKET

ENGINEER = "jane@vendor.example"


@dataclass(frozen=True)
class Office:
    """A broker that trusts the organisation's provider, which gives refresh tokens."""

    stage: Stage
    provider: Provider


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """On loopback and over plain http."""
    folder, port = tmp_path_factory.mktemp("office"), free_port()
    with ExitStack() as stack:
        callback = f"http://127.0.0.1:{port}/sign-in/callback"
        provider = stack.enter_context(Provider(callbacks=[callback]))
        settings = {
            "BROKER_SERVE_WORKER": "false",
            **provider.settings(folder / "roles.toml"),
            "BROKER_OIDC_CLI_SCOPE": f"{SCOPE} offline_access",
        }
        stage = stack.enter_context(Stage(folder / "stage", port=port, settings=settings))
        console = stack.enter_context(stage.client(stage.api_token("console", "console")))
        stage.onboard(console, METADATA)
        ticket = {"account_ids": [METADATA], "status": "open"}
        console.put(f"/v1/tickets/{TICKET}", json=ticket).raise_for_status()
        yield Office(stage, provider)


@pytest.fixture
def terminal(office: Office, tmp_path: Path) -> Terminal:
    """Somebody who has never signed in here."""
    return Terminal(tmp_path / "home", office.stage.url)


def test_with_the_browser_of_this_machine(office: Office, terminal: Terminal) -> None:
    """Signed in once, every command knows who it is; a file holds it that nobody else can read."""
    done = terminal.sign_in()
    assert done.code == 0, done.err
    assert f"Signed in as {ENGINEER} (engineer)" in done.out
    assert "no keyring is used here" in done.out
    assert terminal.opened.read_text().startswith(f"{office.provider.issuer}/auth?")
    (kept,) = terminal.sign_ins.glob("*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(terminal.sign_ins.stat().st_mode) == 0o700
    me = terminal.told("whoami")
    assert (me["subject"], me["signed_in_by"], me["credential"]) == (
        ENGINEER,
        "identity_token",
        "file",
    )


def kept(terminal: Terminal) -> dict[str, Any]:
    """The sign-in in the terminal's file, secrets included."""
    (file,) = terminal.sign_ins.glob("*.json")
    found: dict[str, Any] = json.loads(file.read_text())["sign_in"]
    return found


def expire(terminal: Terminal) -> None:
    """Let the ID token have ended: nobody waits for that in a test."""
    (file,) = terminal.sign_ins.glob("*.json")
    record = json.loads(file.read_text())
    record["sign_in"]["expires_at"] = "2020-01-01T00:00:00Z"
    file.write_text(json.dumps(record))


def test_in_the_keyring_where_there_is_one(terminal: Terminal) -> None:
    """The file then holds no secret; signing out leaves nothing in either."""
    terminal = terminal.with_keyring()
    done = terminal.sign_in()
    assert "Kept in your keyring" in done.out
    assert kept(terminal) is None
    keyring = terminal.home / "keyring.json"
    assert "eyJ" in keyring.read_text()
    assert terminal.told("whoami")["credential"] == "keyring"
    assert terminal.told("logout")["was_signed_in"] is True
    assert json.loads(keyring.read_text()) == {}
    assert not list(terminal.sign_ins.glob("*.json"))


def test_another_broker_knows_nothing_of_it(terminal: Terminal) -> None:
    """A sign-in is kept for one address, and goes to no other."""
    terminal.sign_in()
    elsewhere = terminal.run("whoami", "--url", "https://other.example")
    assert elsewhere.code == 2
    assert "broker login" in elsewhere.err
    assert "BROKER_TOKEN" in elsewhere.err


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
    """It lapses, and the command says so and what to do."""
    done = terminal.run("login", "--device", "--timeout", "1")
    assert done.code == 1
    assert "lapsed" in done.err
    assert "broker login" in done.err


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


def test_a_sign_in_renews_itself(terminal: Terminal) -> None:
    """With another ID token, and another refresh token where the provider changes it."""
    terminal.sign_in()
    before = kept(terminal)
    expire(terminal)
    assert terminal.told("whoami")["subject"] == ENGINEER
    after = kept(terminal)
    assert after["identity_token"] != before["identity_token"]
    assert after["refresh_token"] != before["refresh_token"]
    assert after["provider_subject"] == "jane"
    assert terminal.run("accounts", "list").code == 0


def test_many_shells_renew_at_once(terminal: Terminal) -> None:
    """One of them asks, the others take what it got: a second use would end everything."""
    terminal.sign_in()
    expire(terminal)
    with ThreadPoolExecutor(5) as shells:
        answers = list(shells.map(lambda _: terminal.run("whoami", "--json"), range(5)))
    assert [answer.code for answer in answers] == [0] * 5, [answer.err for answer in answers]
    expire(terminal)
    assert terminal.told("whoami")["subject"] == ENGINEER


def test_a_sign_in_that_cannot_be_renewed_is_over(office: Office, terminal: Terminal) -> None:
    """Once the provider says no, it is not asked again and again."""
    terminal.sign_in()
    office.provider.http.post(
        "/token/revocation",
        data={"client_id": CLI, "token": kept(terminal)["refresh_token"]},
    ).raise_for_status()
    expire(terminal)
    for _ in range(2):
        done = terminal.run("whoami")
        assert (done.code, "[sign_in_over]" in done.err) == (3, True)
        assert "broker login" in done.err
    assert kept(terminal)["refresh_token"] is None


def test_signing_out(office: Office, terminal: Terminal) -> None:
    """Nothing is left, here or at the provider; doing it again does no harm."""
    terminal.sign_in()
    refresh_token = kept(terminal)["refresh_token"]
    done = terminal.run("logout")
    assert done.code == 0
    assert "revoked" in done.out
    refused = office.provider.http.post(
        "/token",
        data={
            "grant_type": "refresh_token",
            "client_id": CLI,
            "refresh_token": refresh_token,
        },
    )
    assert refused.json()["error"] == "invalid_grant"
    assert not list(terminal.sign_ins.glob("*.json"))
    again = terminal.run("logout")
    assert again.code == 0
    assert "You were not signed in" in again.out
    assert terminal.run("whoami").code == 2


def test_what_was_typed_counts_before_what_is_kept(office: Office, terminal: Terminal) -> None:
    """The option, then the environment, then the sign-in; `whoami` says which it was."""
    terminal.sign_in()
    auditor = office.stage.api_token("auditor", "auditor")
    admin = office.stage.api_token("admin", "admin")
    set_here = Terminal(terminal.home, terminal.url, {"BROKER_TOKEN": auditor})
    assert set_here.told("whoami")["credential"] == "environment"
    assert set_here.told("whoami")["subject"] == "auditor"
    typed = set_here.told("whoami", "--token", admin)
    assert (typed["subject"], typed["credential"]) == ("admin", "option")
    shown = set_here.run("whoami").out
    assert "an API token (BROKER_TOKEN)" in shown
    assert "ledger:read" in shown


def test_a_profile_names_the_broker(office: Office, terminal: Terminal) -> None:
    """Signed in under it, and by default from then on."""
    nowhere = Terminal(terminal.home, None, printed=terminal.printed)
    assert nowhere.run("whoami").code == 2
    url = office.stage.url
    assert nowhere.run("profiles", "set", "acme", "--url", url, "--default").code == 0
    assert nowhere.sign_in("jane", "--profile", "acme").code == 0
    me = nowhere.told("whoami")
    assert (me["subject"], me["profile"], me["url"]) == (ENGINEER, "acme", url)


def test_the_shell_completes_accounts_and_tickets(terminal: Terminal) -> None:
    """Those that the broker shows to whoever is signed in; to others, and offline, nothing."""
    question = {"COMP_WORDS": f"broker get --account {METADATA[:2]}", "COMP_CWORD": "3"}
    asking = Terminal(
        terminal.home, terminal.url, {"_BROKER_COMPLETE": "bash_complete", **question}
    )
    before = asking.run()
    assert (before.code, before.out.strip()) == (0, "")
    terminal.sign_in()
    assert asking.run().out.split() == [f"plain,{METADATA}"]
    question["COMP_WORDS"] = f"broker get --ticket {TICKET[:1]}"
    assert Terminal(terminal.home, terminal.url, {**asking.variables, **question}).run().out == (
        f"plain,{TICKET}\n"
    )
    away = Terminal(terminal.home, "http://127.0.0.1:1", asking.variables)
    assert (away.run().code, away.run().err) == (0, "")


def test_no_token_shows_anywhere(office: Office, terminal: Terminal) -> None:
    """Neither in what is printed, nor in the browser's address, arguments, settings or logs."""
    seen: set[str] = set()

    def note() -> None:
        now = kept(terminal)
        seen.update((now["identity_token"], now["refresh_token"]))

    terminal.run("profiles", "set", "acme", "--url", office.stage.url, "--default")
    with terminal.started("login", "--browser") as running:
        arguments = Path(f"/proc/{running.process.pid}/cmdline").read_text()
        environment = Path(f"/proc/{running.process.pid}/environ").read_text()
        with Browser("jane") as browser:
            page = browser.visit(running.link())
        running.done()
    note()
    terminal.run("whoami")
    terminal.run("whoami", "--json")
    expire(terminal)
    terminal.run("whoami")
    note()
    terminal.run("profiles", "show")
    terminal.run("logout", "--json")
    terminal.run("login", "--device", "--timeout", "1")
    written = [
        *terminal.printed,
        arguments,
        environment,
        page.text,
        terminal.opened.read_text(),
        terminal.config.read_text(),
        office.stage.log.read_text(),
    ]
    assert len(seen) == 4
    for secret in (*seen, "eyJ"):
        assert not [text for text in written if secret in text]


def test_a_browser_that_is_back_before_its_opener_returns(terminal: Terminal) -> None:
    """As one that is signed in at the provider already; some openers wait for their browser."""
    lasting = terminal.home / "lasting-browser"
    terminal.home.mkdir()
    lasting.write_text(f'#!/bin/sh\necho "$1" >> {terminal.opened}\nread _ < {terminal.home}/end\n')
    lasting.chmod(0o700)
    os.mkfifo(terminal.home / "end")
    waiting = Terminal(terminal.home, terminal.url, {"BROWSER": str(lasting), "BROKER_TOKEN": "x"})
    with waiting.started("login", "--browser") as running, Browser("jane") as browser:
        page = browser.visit(running.link())
        assert "You are signed in" in page.text
        (terminal.home / "end").write_text("now\n")
        done = running.done()
    assert done.code == 0, done.err
    assert "BROKER_TOKEN is set" in done.err


def test_from_a_profile_to_credentials(office: Office, terminal: Terminal) -> None:
    """Signed in, and with account and ticket in the profile, one word is left to type."""
    nowhere = Terminal(terminal.home, None)
    usual = ["--account", METADATA, "--ticket", TICKET, "--duration", "900"]
    url = office.stage.url
    assert nowhere.run("profiles", "set", "acme", "--default", "--url", url, *usual).code == 0
    assert nowhere.sign_in().code == 0
    got = nowhere.run("get", "--format", "json", "--reason", "to look")
    assert got.code == 0, got.err
    session = json.loads(got.out)["session"]
    assert (session["engineer"], session["account_id"], session["ticket"]) == (
        ENGINEER,
        METADATA,
        TICKET,
    )
