"""What an operator says of sign-in: all of it or nothing, and every problem at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.errors import ConfigurationError
from broker.settings import load
from broker.wiring.sign_in import terminal_client

BASE = {
    "BROKER_ISSUER_URL": "https://broker.example.com",
    "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
}
SECRET = "a client secret that must not be told"


@pytest.fixture
def good(tmp_path: Path) -> dict[str, str]:
    """All settings of sign-in."""
    roles = tmp_path / "roles.toml"
    roles.write_text("[groups.support]\nroles = ['engineer']\n")
    return {
        **BASE,
        "BROKER_OIDC_ISSUER": "https://id.example/realms/support",
        "BROKER_OIDC_CLIENT_ID": "broker",
        "BROKER_OIDC_CLIENT_SECRET": SECRET,
        "BROKER_ROLES_FILE": str(roles),
    }


def problems(environment: dict[str, str]) -> list[str]:
    """What is wrong with it."""
    with pytest.raises(ConfigurationError) as caught:
        load(environment)
    assert SECRET not in str(caught.value)
    return list(caught.value.problems)


def test_sign_in_is_off_by_default() -> None:
    """Then API tokens are the only way in, and nothing else need be said."""
    settings = load(BASE)
    assert settings.oidc_issuer is None
    assert settings.roles_file is None
    assert settings.people_url == "https://broker.example.com"


def test_all_of_it(good: dict[str, str]) -> None:
    """With the defaults that the README names."""
    settings = load({**good, "BROKER_PUBLIC_URL": "https://support.example.com:8443"})
    assert settings.people_url == "https://support.example.com:8443"
    assert settings.oidc_scope == "openid email"
    assert (settings.oidc_subject_claim, settings.oidc_groups_claim) == ("email", "groups")
    assert (settings.sign_in_idle_seconds, settings.sign_in_absolute_seconds) == (1800, 36000)
    assert settings.roles_file is not None
    assert settings.roles_file.groups.keys() == {"support"}
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("name", ["CLIENT_ID", "CLIENT_SECRET"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_part_that_is_missing(good: dict[str, str], name: str, value: str | None) -> None:
    """Half a configuration is none."""
    good.pop(f"BROKER_OIDC_{name}")
    if value is not None:
        good[f"BROKER_OIDC_{name}"] = value
    assert problems(good) == [f"BROKER_OIDC_{name}: must be set where BROKER_OIDC_ISSUER is"]


def test_a_missing_roles_file(good: dict[str, str]) -> None:
    """Nobody would have a role."""
    del good["BROKER_ROLES_FILE"]
    assert problems(good) == ["BROKER_ROLES_FILE: must be set where BROKER_OIDC_ISSUER is"]


def test_parts_without_the_provider(good: dict[str, str]) -> None:
    """Somebody who forgot one line believes that people can sign in."""
    del good["BROKER_OIDC_ISSUER"]
    good["BROKER_OIDC_CLI_CLIENT_ID"] = "broker-cli"
    told = problems(good)
    assert len(told) == 4
    assert all("is set without BROKER_OIDC_ISSUER" in problem for problem in told)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example",
        "id.example",
        "https://",
        "https://user@id.example",
        "https://id.example?tenant=1",
        "https://id.example#a",
        "",
    ],
)
def test_an_issuer_that_is_none(good: dict[str, str], issuer: str) -> None:
    """One problem, not four: what depends on it is not judged."""
    good["BROKER_OIDC_ISSUER"] = issuer
    (told,) = problems(good)
    assert told.startswith("BROKER_OIDC_ISSUER: must be an")


@pytest.mark.parametrize(
    "issuer", ["https://id.example", "https://id.example/", "http://127.0.0.1:9000"]
)
def test_an_issuer_stays_as_it_is_written(good: dict[str, str], issuer: str) -> None:
    """It is compared exactly, slash and all."""
    assert load({**good, "BROKER_OIDC_ISSUER": issuer}).oidc_issuer == issuer


@pytest.mark.parametrize(
    "url",
    [
        "http://support.example.com",
        "https://support.example.com/",
        "https://support.example.com/broker",
        "https://support.example.com?a",
        "https://jane@support.example.com",
        "https://",
        "support.example.com",
    ],
)
def test_an_address_where_people_are_not_safe(url: str) -> None:
    """Cookies need TLS, and redirects a base without a path."""
    (told,) = problems({**BASE, "BROKER_PUBLIC_URL": url})
    assert told.startswith("BROKER_PUBLIC_URL: must")


@pytest.mark.parametrize("client_id", ["", "broker"])
def test_one_client_for_two_purposes(good: dict[str, str], client_id: str) -> None:
    """A token that a browser's sign-in made is no bearer."""
    good["BROKER_OIDC_CLI_CLIENT_ID"] = client_id
    (told,) = problems(good)
    assert told.startswith("BROKER_OIDC_CLI_CLIENT_ID: must be a public client of its own")


@pytest.mark.parametrize("scope", ["email", "", "openid  email", "openid\nemail", 'openid "x"'])
def test_a_scope_that_is_none(good: dict[str, str], scope: str) -> None:
    """RFC 6749, section 3.3; without `openid` there is no ID token."""
    (told,) = problems({**good, "BROKER_OIDC_SCOPE": scope})
    assert told.startswith("BROKER_OIDC_SCOPE")


def test_the_idle_limit_is_the_shorter_one(good: dict[str, str]) -> None:
    """Otherwise it would be no limit."""
    good |= {
        "BROKER_SIGN_IN_IDLE_SECONDS": "7200",
        "BROKER_SIGN_IN_ABSOLUTE_SECONDS": "3600",
    }
    (told,) = problems(good)
    assert told.startswith("BROKER_SIGN_IN_ABSOLUTE_SECONDS: must be at least")


def test_a_roles_file_with_faults(good: dict[str, str], tmp_path: Path) -> None:
    """All of them, beside those of other settings."""
    faulty = tmp_path / "faulty.toml"
    faulty.write_text("[groups.a]\nroles = ['king']\n[groups.b]\nroles = ['customer']\n")
    told = problems({**good, "BROKER_ROLES_FILE": str(faulty), "BROKER_WORKERS": "0"})
    assert len(told) == 2
    (roles,) = (problem for problem in told if problem.startswith("BROKER_ROLES_FILE"))
    assert "unknown role 'king'" in roles
    assert "role customer and no accounts" in roles


ENDLESS = b"[groups.a]\nroles = ['admin']\n#" + b"x" * 1024 * 1024


@pytest.mark.parametrize("content", [None, b"\xff\xfe", ENDLESS])
def test_a_roles_file_that_cannot_be_read(
    good: dict[str, str], tmp_path: Path, content: bytes | None
) -> None:
    """Not there, not text, or endless."""
    file = tmp_path / "other.toml"
    if content is not None:
        file.write_bytes(content)
    (told,) = problems({**good, "BROKER_ROLES_FILE": str(file)})
    assert told.startswith("BROKER_ROLES_FILE: ")


def test_terminals_ask_for_the_same_scope_unless_told_otherwise(good: dict[str, str]) -> None:
    """A refresh token for terminals does not give one to browsers."""
    cli = {**good, "BROKER_OIDC_CLI_CLIENT_ID": "broker-cli"}
    same = terminal_client(load({**cli, "BROKER_OIDC_SCOPE": "openid groups"}))
    assert same is not None
    assert (same.client_id, same.scope) == ("broker-cli", "openid groups")
    settings = load({**cli, "BROKER_OIDC_CLI_SCOPE": "openid email offline_access"})
    own = terminal_client(settings)
    assert own is not None
    assert own.scope == "openid email offline_access"
    assert settings.oidc_scope == "openid email"


def test_without_a_client_terminals_are_told_nothing(good: dict[str, str]) -> None:
    """The API takes no ID tokens then."""
    assert terminal_client(load(good)) is None
    assert terminal_client(load(BASE)) is None
