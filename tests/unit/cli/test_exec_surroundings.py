"""What COMMAND finds around it: one way to credentials, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.credentials import BotoProvider

from broker.cli.exec.surroundings import Way, hidden_files, surroundings

WAY = Way("http://127.0.0.1:4000/path", "authorization")
WAY_VARIABLES = {
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:4000/path",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "authorization",
}


def test_what_sdks_would_prefer_goes_and_everything_else_stays():
    """Keys, profiles, web identities, an outer container's way, and the engineer's own tokens."""
    kept = {"PATH": "/bin", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "x", "BROKER_URL": "y"}
    gone = {
        "AWS_ACCESS_KEY_ID": "1",
        "AWS_SECRET_ACCESS_KEY": "1",
        "AWS_SESSION_TOKEN": "1",
        "AWS_SECURITY_TOKEN": "1",
        "AWS_CREDENTIAL_EXPIRATION": "1",
        "AWS_CREDENTIAL_FILE": "1",
        "AWS_PROFILE": "1",
        "AWS_DEFAULT_PROFILE": "1",
        "AWS_ROLE_ARN": "1",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "1",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "1",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "1",
        "BROKER_TOKEN": "1",
        "BROKER_ADMIN_TOKEN": "1",
    }
    found = surroundings({**kept, **gone}, way=WAY, region=None, hidden=[])
    assert found == {**kept, **WAY_VARIABLES}


def test_the_region_that_is_said_is_the_one():
    """For SDKs that read the one variable, and those that read the other."""
    found = surroundings({"AWS_REGION": "a"}, way=WAY, region="eu-central-1", hidden=[])
    assert (found["AWS_REGION"], found["AWS_DEFAULT_REGION"]) == ("eu-central-1", "eu-central-1")


@pytest.mark.parametrize(
    "setting",
    [
        "aws_access_key_id = AKIAEXAMPLE",
        "credential_process = /bin/other",
        "role_arn = arn:aws:iam::111122223333:role/other",
        "sso_session = other",
    ],
)
@pytest.mark.parametrize("header", ["[default]", "[profile default]"])
def test_a_default_profile_that_names_credentials_is_out_of_sight(tmp_path, setting, header):
    """Else COMMAND would work as somebody else, in another account, and nobody would notice."""
    (tmp_path / ".aws").mkdir()
    config = tmp_path / ".aws" / "config"
    config.write_text(f"{header}\n{setting}\nregion = eu-west-3\n")
    inherited = {"HOME": str(tmp_path)}
    hidden = hidden_files(inherited)
    assert [(each.variable, each.path) for each in hidden] == [("AWS_CONFIG_FILE", config)]
    found = surroundings(inherited, way=WAY, region=None, hidden=hidden)
    assert found["AWS_CONFIG_FILE"] == "/dev/null"
    assert found["AWS_REGION"] == "eu-west-3"


def test_the_file_of_credentials_is_looked_at_where_it_is(tmp_path):
    """Where a variable names it, that one counts."""
    file = tmp_path / "keys"
    file.write_text("[default]\naws_access_key_id = AKIAEXAMPLE\n")
    inherited = {"HOME": str(tmp_path), "AWS_SHARED_CREDENTIALS_FILE": str(file)}
    (hidden,) = hidden_files(inherited)
    found = surroundings(inherited, way=WAY, region=None, hidden=[hidden])
    assert found["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"


@pytest.mark.parametrize(
    "text",
    [
        "[default]\nregion = eu-west-1\n",
        "[profile other]\naws_access_key_id = AKIAEXAMPLE\n",
        "no section\n",
        "\ufffd[default\n",
    ],
)
def test_other_files_stay_in_sight(tmp_path: Path, text: str):
    """Regions, endpoints and profiles that COMMAND names itself are its own business."""
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        (tmp_path / ".aws" / name).write_text(text)
    assert hidden_files({"HOME": str(tmp_path)}) == []


@pytest.mark.parametrize(
    "text",
    [
        "[default]\nregion = eu-west-1\n[profile default]\naws_access_key_id = AKIAEXAMPLE\n",
        "before any section\n[default]\naws_access_key_id = AKIAEXAMPLE\n",
        "\ufeff[default]\n  AWS_ACCESS_KEY_ID=AKIAEXAMPLE\n",
        "[default]\nregion eu-west-1\naws_access_key_id: AKIAEXAMPLE\n",
    ],
)
def test_what_one_sdk_stumbles_over_does_not_lead_another_astray(tmp_path: Path, text: str):
    """SDKs differ in what they forgive; the most forgiving one must not find credentials."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(text, encoding="utf-8")
    assert [each.variable for each in hidden_files({"HOME": str(tmp_path)})] == ["AWS_CONFIG_FILE"]


@pytest.mark.parametrize("named", [True, False])
def test_botos_old_file_does_not_come_first(tmp_path: Path, named: bool):
    """botocore prefers it to the container provider: with it the AWS CLI would be somebody else."""
    file = tmp_path / ("elsewhere" if named else ".boto")
    file.write_text("[Credentials]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n")
    inherited = {"HOME": str(tmp_path), **({"BOTO_CONFIG": str(file)} if named else {})}
    hidden = hidden_files(inherited)
    assert [(each.variable, each.path) for each in hidden] == [("BOTO_CONFIG", file)]
    found = surroundings(inherited, way=WAY, region=None, hidden=hidden)
    assert _as_the_aws_cli_finds_them(found) == "container-role"


def test_a_boto_file_without_keys_of_aws_stays_in_sight(tmp_path: Path):
    """It may be gsutil's, which COMMAND may need."""
    (tmp_path / ".boto").write_text("[Credentials]\ngs_oauth2_refresh_token = x\n")
    assert hidden_files({"HOME": str(tmp_path)}) == []


def _as_the_aws_cli_finds_them(environment: dict[str, str]) -> str:
    """Which of botocore's providers would be the first to have some."""
    boto = BotoProvider(environ=environment)
    return "container-role" if boto.load() is None else BotoProvider.METHOD
