"""Credentials as text: what a shell makes of it is what was given."""

from __future__ import annotations

import configparser
import json
import subprocess
from datetime import UTC, datetime

import pytest

from broker.domain import credential_forms
from broker.domain.sessions import Credentials

HOSTILE = r"""a'b"c\d$(id)`id`;\'é%|&"""
GIVEN = Credentials(
    access_key_id="ASIAEXAMPLE000000000",
    secret_access_key=HOSTILE,
    session_token="x+/=" * 20,
    expiration=datetime(2026, 11, 30, 12, tzinfo=UTC),
)
VALUES = {
    "AWS_ACCESS_KEY_ID": GIVEN.access_key_id,
    "AWS_SECRET_ACCESS_KEY": GIVEN.secret_access_key,
    "AWS_SESSION_TOKEN": GIVEN.session_token,
    "AWS_CREDENTIAL_EXPIRATION": "2026-11-30T12:00:00Z",
}


@pytest.mark.parametrize("name", VALUES)
def test_a_posix_shell(name: str) -> None:
    """Evaluated by a real one."""
    script = f'{credential_forms.env(GIVEN)}\nprintf %s "${name}"'
    ran = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == VALUES[name]


def test_fish_and_powershell() -> None:
    """By their own rules of quoting: fish escapes, PowerShell doubles."""
    fish = credential_forms.fish(GIVEN).splitlines()
    assert fish[1] == r"""set -gx AWS_SECRET_ACCESS_KEY 'a\'b"c\\d$(id)`id`;\\\'é%|&'"""
    powershell = credential_forms.powershell(GIVEN).splitlines()
    assert powershell[1] == r"""$Env:AWS_SECRET_ACCESS_KEY = 'a''b"c\d$(id)`id`;\''é%|&'"""
    assert [line.split()[2] for line in fish] == list(VALUES)


def test_a_file_of_credentials() -> None:
    """As a parser of such files reads it."""
    parser = configparser.RawConfigParser()
    parser.read_string(credential_forms.ini(GIVEN, profile="acme"))
    assert dict(parser["acme"]) == {
        "aws_access_key_id": GIVEN.access_key_id,
        "aws_secret_access_key": GIVEN.secret_access_key,
        "aws_session_token": GIVEN.session_token,
    }
    assert "# ends 2026-11-30T12:00:00Z" in credential_forms.ini(GIVEN)


def test_credential_process() -> None:
    """The members that AWS's SDKs name, and no other."""
    assert json.loads(credential_forms.credential_process(GIVEN)) == {
        "Version": 1,
        "AccessKeyId": GIVEN.access_key_id,
        "SecretAccessKey": GIVEN.secret_access_key,
        "SessionToken": GIVEN.session_token,
        "Expiration": "2026-11-30T12:00:00Z",
    }
