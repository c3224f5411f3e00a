"""The file of profiles: what it may say, how it is changed, and what it says of what is wrong."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.cli import broker

GOOD = """\
# Mine.
default_profile = "acme"  # where I work most

[profiles.acme]
url = "https://broker.example.com"   # over there
account = "111122223333"
access = "case"
duration = 1800

# The other one.
[profiles.other]
url = "https://other.example.com/"
ticket = "T-1"
region = "eu-central-1"
keyring = "off"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, with something in it."""
    path = tmp_path / "settings" / "config.toml"
    path.parent.mkdir()
    path.write_text(GOOD)
    monkeypatch.setenv("BROKER_CONFIG", str(path))
    return path


def ran(*arguments: str) -> Result:
    """A command in this process."""
    return CliRunner().invoke(broker, list(arguments))


def done(*arguments: str) -> str:
    """What a command that must succeed prints."""
    result = ran(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_listing_and_showing(file: Path) -> None:
    """By name, or the default one; for people and as JSON."""
    listed = done("profiles", "list").splitlines()
    assert listed[1].split()[:3] == ["*", "acme", "https://broker.example.com"]
    assert "ticket T-1" in listed[2]
    told = json.loads(done("profiles", "list", "--json"))
    assert told["file"] == str(file)
    assert told["default_profile"] == "acme"
    assert told["profiles"]["other"] == {
        "url": "https://other.example.com",
        "ticket": "T-1",
        "region": "eu-central-1",
        "keyring": "off",
    }
    assert json.loads(done("profiles", "show", "--json"))["profile"] == "acme"
    assert "1800" in done("profiles", "show", "acme")
    assert ran("profiles", "show", "third").exit_code == 2


def test_a_change_keeps_everything_else(file: Path) -> None:
    """Comments, order and spaces; only what was named is another."""
    done("profiles", "set", "other", "--ticket", "T-2", "--unset", "region", "--default")
    expected = (
        GOOD.replace('"T-1"', '"T-2"')
        .replace('region = "eu-central-1"\n', "")
        .replace('default_profile = "acme"', 'default_profile = "other"')
    )
    assert file.read_text() == expected


def test_the_first_profile(file: Path) -> None:
    """Where there is no file yet: it and its folder are made, for their owner alone."""
    file.unlink()
    file.parent.rmdir()
    done("profiles", "set", "acme", "--url", "https://broker.example.com", "--default")
    done("profiles", "set", "two", "--url", "https://two.example.com", "--duration", "15m")
    assert file.read_text() == (
        'default_profile = "acme"\n\n[profiles.acme]\nurl = "https://broker.example.com"\n\n'
        '[profiles.two]\nurl = "https://two.example.com"\nduration = 900\n'
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_default_comes_before_all_tables(file: Path) -> None:
    """Behind a heading it would belong to that profile."""
    file.write_text('# Mine.\n[profiles.acme]\nurl = "https://broker.example.com"\n')
    done("profiles", "set", "acme", "--default")
    assert json.loads(done("profiles", "list", "--json"))["default_profile"] == "acme"
    assert "# Mine." in file.read_text()


def test_removing(file: Path) -> None:
    """The profile, and with the default one the word that it is; the rest stays."""
    told = done("profiles", "remove", "acme")
    assert "It was the default one" in told
    left = json.loads(done("profiles", "list", "--json"))
    assert (left["default_profile"], list(left["profiles"])) == (None, ["other"])
    assert file.read_text() == "# Mine.\n\n" + GOOD[GOOD.index("# The other one.") :]
    assert ran("profiles", "remove", "acme").exit_code == 2


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('[profiles.acme]\nurl = "https://b.example"\n', ""),
        ('# Mine.\n[ profiles . "acme" ] # x\nurl = "https://b.example"\n', "# Mine.\n"),
        ('profiles.acme = { url = "https://b.example" }\n', ""),
        ('[profiles]\nacme.url = "https://b.example"\n', "[profiles]\n"),
    ],
)
def test_removing_the_last_one_however_it_is_written(file: Path, text: str, left: str) -> None:
    """TOML has many spellings."""
    file.write_text(text)
    done("profiles", "remove", "acme")
    assert file.read_text().strip() == left.strip()


def test_the_file_may_be_a_link_and_keeps_its_mode(file: Path, tmp_path: Path) -> None:
    """As with those who keep their settings in a repository."""
    real = tmp_path / "dotfiles.toml"
    file.rename(real)
    real.chmod(0o644)
    file.symlink_to(real)
    done("profiles", "set", "acme", "--ticket", "T-9")
    assert file.is_symlink()
    assert 'ticket = "T-9"' in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o644


def test_a_new_profile_needs_a_broker(file: Path) -> None:
    """Whoever has just run `profiles set` is not sent there, but told what to add."""
    result = ran("profiles", "set", "third", "--account", "111122223333")
    assert result.exit_code == 2
    assert "Profile third would name no broker: say --url too." in result.output
    assert file.read_text() == GOOD


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--url", "http://broker.example.com"], "use https"),
        (["--url", "broker"], "not the URL of a broker"),
        (["--account", "1"], "twelve digits"),
        (["--duration", "5"], "shorter than 15m"),
        (["--region", "Frankfurt"], "profiles.acme.region"),
        (["--access", "write"], "access"),
        (["--unset", "url"], "Profile acme would name no broker: say --url too."),
        (["--ticket", "T-2", "--unset", "ticket"], "set and unset"),
    ],
)
def test_what_would_spoil_the_file_is_not_written(
    file: Path, options: list[str], said: str
) -> None:
    """It stays as it was, and the sentence names the key."""
    result = ran("profiles", "set", "acme", *options)
    assert result.exit_code == 2
    assert said in result.output
    assert file.read_text() == GOOD
    assert [each.name for each in file.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[profiles", "no TOML"),
        ("default = 'acme'", "default is no key that is known here"),
        (
            "[profiles.acme]\nurl = 'https://b.example'\naccounts = 1",
            "profiles.acme.accounts is no",
        ),
        ("[profiles.acme]\naccount = '111122223333'", "profiles.acme.url is missing"),
        ("[profiles.acme]\nurl = 'https://b.example'\nduration = '1800'", "duration"),
        ("[profiles.acme]\nurl = 'https://b.example'\nduration = 60", "profiles.acme.duration"),
        ("[profiles.acme]\nurl = 'https://b.example'\nticket = 'T 1'", "profiles.acme.ticket"),
        ("[profiles.acme]\nurl = 'http://b.example'", "profiles.acme.url: is plain http"),
        ("default_profile = 'acme'", "default_profile names 'acme', which is not there"),
        ("[profiles.'a b']\nurl = 'https://b.example'", "profiles.a b"),
        ("profiles = 1", "profiles"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(file: Path, text: str, said: str) -> None:
    """By every command that reads it, with the exit code of wrong settings."""
    file.write_text(text)
    for command in (["profiles", "list"], ["whoami"], ["profiles", "set", "acme"]):
        result = ran(*command)
        assert result.exit_code == 2
        assert str(file) in result.output
        assert said in result.output


@pytest.mark.parametrize("key", ["token", "api_token", "BROKER_TOKEN", "password", "client_secret"])
@pytest.mark.parametrize("where", ["", "[profiles.acme]\nurl = 'https://b.example'\n"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(file: Path, key: str, where: str) -> None:
    """With the reason, and where it belongs instead."""
    file.write_text(f"{where}{key} = 'brk_0123_the-secret'\n")
    result = ran("whoami")
    assert result.exit_code == 2
    assert repr(key) in result.output
    assert "broker login" in result.output
    assert "the-secret" not in result.output


def test_a_file_that_cannot_be_read(file: Path) -> None:
    """A sentence, not a trace."""
    file.write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in ran("whoami").output
    file.unlink()
    file.mkdir()
    assert "cannot be read" in ran("whoami").output
