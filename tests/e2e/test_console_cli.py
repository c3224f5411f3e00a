"""`broker console`: from a ticket to a signed-in console, printed or opened, and nothing leaked."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.contract.store_servers import until
from tests.e2e.programs import Ran, run
from tests.e2e.world import ENGINEER, METADATA, TICKET, World

GOOD = ("--account", METADATA, "--ticket", TICKET)

BROWSER = f"""#!{sys.executable}
import json, pathlib, sys
import httpx
page = httpx.get(sys.argv[1], follow_redirects=True, trust_env=False)
seen = {{"arguments": sys.argv[1:], "status": page.status_code, "page": page.text}}
here = pathlib.Path(__file__)
here.with_suffix(".writing").write_text(json.dumps(seen))
here.with_suffix(".writing").rename(here.with_suffix(".seen"))
"""
"""What a browser does with the address that it is started with."""


def broker_console(world: World, *options: str, **environment: str) -> Ran:
    """The real command, as the engineer runs it."""
    own = {"BROKER_URL": world.stage.url, "BROKER_TOKEN": world.engineer.api_token}
    own |= environment
    return run("broker", "console", *options, home=world.home, environment=own)


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A browser that writes down what it was started with and what it was shown."""
    program = tmp_path / "browser"
    program.write_text(BROWSER)
    program.chmod(0o700)
    return program


def test_the_url_signs_in_exactly_once(world: World) -> None:
    """Standard output is the URL and nothing else; what it is good for stands beside it."""
    ran = broker_console(world, *GOOD, "--service", "ec2", "--region", "eu-central-1")
    assert ran.status == 0, ran.err
    url = ran.out.removesuffix("\n")
    assert re.fullmatch(r"\S+", url)
    assert re.fullmatch(
        r"The URL is a secret: whoever follows it first within 15 minutes is you\. "
        r"s-[0-9a-f]{20} ends at \S+Z\.\n",
        ran.err,
    )
    page = httpx.get(url, trust_env=False)
    assert page.status_code == 200
    assert f"assumed-role/Acme-Support-ReadOnly/{ENGINEER}@{TICKET}-" in page.text
    assert (
        "https://eu-central-1.console.aws.amazon.com/ec2/home?region=eu-central-1"
        in page.text.replace("&amp;", "&")
    )
    assert httpx.get(url, trust_env=False).status_code == 400


def test_the_browser_is_led_there_and_nobody_reads_where(world: World, browser: Path) -> None:
    """Neither its arguments nor the terminal hold the URL, and yet it is signed in."""
    ran = broker_console(world, *GOOD, "--open", BROWSER=str(browser))
    assert ran.status == 0, ran.err
    # The command ends once the browser was led on: before that has seen where it leads.
    until(browser.with_suffix(".seen").exists)
    seen = json.loads(browser.with_suffix(".seen").read_text())
    [address] = seen["arguments"]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{43}", address)
    assert seen["status"] == 200
    assert f"{ENGINEER}@{TICKET}-" in seen["page"]
    assert ran.out == ""
    assert re.fullmatch(
        rf"The console of {METADATA} is open in your browser\. s-\w+ ends at \S+\.\n", ran.err
    )


def test_a_browser_that_lasts_holds_nothing_up(world: World, tmp_path: Path) -> None:
    """Neither the command nor whoever reads what it prints."""
    lasting = tmp_path / "lasting-browser"
    end = tmp_path / "end"
    os.mkfifo(end)
    waits = f"import pathlib\npathlib.Path({str(end)!r}).read_text()\n"
    lasting.write_text(BROWSER + waits)
    lasting.chmod(0o700)
    ran = broker_console(world, *GOOD, "--open", BROWSER=f"{lasting} %s")
    assert ran.status == 0, ran.err
    # It waits until somebody reads, so the browser was there all the time.
    end.write_text("now")


def test_json_is_the_answer(world: World, browser: Path) -> None:
    """With the URL where nothing has used it, and never with credentials."""
    ran = broker_console(world, *GOOD, "--json")
    answer = json.loads(ran.out)
    assert answer.keys() == {"session", "url", "expires_in"}
    assert answer["expires_in"] == 900
    assert parse_qs(urlsplit(answer["url"]).query)["Action"] == ["login"]
    ran = broker_console(world, *GOOD, "--json", "--open", BROWSER=str(browser))
    assert json.loads(ran.out).keys() == {"session"}


def test_no_browser_is_told_with_the_way_out(world: World) -> None:
    """On a machine without one."""
    only_ours = str(Path(sys.executable).parent)
    ran = broker_console(world, *GOOD, "--open", PATH=only_ours)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        "Error: No browser can be opened here. Without --open you are given the URL.\n"
    )


def test_a_refusal_ends_with_three(world: World) -> None:
    """The sentence, the request and the code, as of every command."""
    ran = broker_console(world, "--account", METADATA, "--ticket", "T-NONE")
    assert (ran.status, ran.out) == (3, "")
    assert re.search(r" \(request [0-9a-f]{24}\) \[ticket_not_found\]\n\Z", ran.err)


@pytest.mark.parametrize("region", ["us-moon-1", "cn-north-1", "EU", "https://evil.example"])
def test_a_region_that_is_none_is_wrong_usage(world: World, region: str) -> None:
    """And no session is opened for it."""
    before = len(world.ledger(METADATA))
    ran = broker_console(world, *GOOD, "--region", region)
    assert (ran.status, ran.out) == (2, "")
    assert "region" in ran.err.lower()
    assert len(world.ledger(METADATA)) == before


def test_no_trace_of_a_url_is_left(world: World) -> None:
    """Not in the broker's log, its store, or the ledger."""
    ran = broker_console(world, *GOOD)
    token = parse_qs(urlsplit(ran.out.strip()).query)["SigninToken"][0]
    kept = {path: path.read_bytes() for path in world.stage.folder.rglob("*") if path.is_file()}
    assert any(b"console.url_made" in text for text in kept.values())
    for path, text in kept.items():
        assert token.encode() not in text, path
        assert b"getSigninToken" not in text, path
