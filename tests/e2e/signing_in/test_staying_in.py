"""What is kept of a sign-in: used, renewed, completed with, and ended."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.engineers_shell import Terminal
from tests.e2e.organisation import CLI, Browser
from tests.e2e.programs import environment_of
from tests.e2e.signing_in.office import ENGINEER, Office, expire, kept
from tests.e2e.world import METADATA, TICKET
from tests.json_web_signatures import holds_jws


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
        environment = environment_of(running.process.pid).decode()
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
        terminal.led_to(),
        terminal.config.read_text(),
        office.stage.log.read_text(),
    ]
    assert len(seen) == 4
    for secret in seen:
        assert not [text for text in written if secret in text]
    assert not [text for text in written if holds_jws(text)]


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
