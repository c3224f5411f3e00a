"""`broker configure`: the profile is written, and nothing else of the file is touched."""

from __future__ import annotations

import configparser
import os
import shlex
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from broker.cli import broker
from broker.cli.configure.profile_section import Ambiguous, names_keys, with_settings
from broker.cli.configure.replacing import Changed, replace

GOOD = ["--account", "111122223333", "--ticket", "T-1042"]
FILE = """\
# Mine; do not touch.
[default]
region=eu-west-1

[profile harbour]
; about the harbour
output = json
s3 =
  max_concurrent_requests = 20

# ---- others ----
[profile  "other" ]
region = us-east-2"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("AWS_", "BROKER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("BROKER_URL", "https://broker.example.com")
    monkeypatch.setattr("sys.argv", ["/opt/the broker/bin/broker"])
    return tmp_path


def configure(*options: str) -> Result:
    return CliRunner().invoke(broker, ["configure", *GOOD, *options])


def written(home: Path) -> str:
    return (home / ".aws" / "config").read_bytes().decode()


def process_of(home: Path, section: str) -> list[str]:
    """The words of the profile's process, read as botocore reads the file."""
    parser = configparser.RawConfigParser(default_section="")
    parser.read_string(written(home))
    return shlex.split(parser[section]["credential_process"])


def test_a_new_file_holds_the_profile_and_no_secret(home, monkeypatch):
    """Only its owner may read it, and the process is named by its whole path, quoted."""
    monkeypatch.setenv("BROKER_TOKEN", "brk_secret")
    ran = configure("--yes", "--region", "eu-central-1", "--output", "json")
    assert ran.exit_code == 0, ran.output
    assert process_of(home, "profile support-111122223333") == [
        "/opt/the broker/bin/broker",
        *("get", "--account", "111122223333", "--ticket", "T-1042", "--access", "read"),
        *("--url", "https://broker.example.com", "--format", "credential-process"),
    ]
    assert written(home).endswith("region = eu-central-1\noutput = json\n")
    assert "brk_secret" not in written(home) + ran.output
    assert (home / ".aws" / "config").stat().st_mode & 0o777 == 0o600


def test_everything_else_stays_byte_for_byte(home):
    """Comments, order, spaces, a last line without an end; the change is shown as a diff."""
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(FILE)
    ran = configure("--yes", "--profile-name", "harbour", "--region", "eu-central-1")
    assert ran.exit_code == 0, ran.output
    ours = [
        line
        for line in written(home).splitlines(keepends=True)
        if line.startswith(("credential_process", "region = eu-central-1"))
    ]
    assert len(ours) == 2
    assert written(home).replace("".join(ours), "") == FILE
    before, _, behind = written(home).partition("".join(ours))
    assert before.endswith("  max_concurrent_requests = 20\n")
    assert behind.startswith("\n# ---- others ----\n")
    added = [line for line in ran.output.splitlines() if line.startswith("+") and "++" not in line]
    assert [line[1:] + "\n" for line in added] == ours


def test_only_the_keys_that_are_ours_change(home):
    """A second time for another ticket changes one value; without --region the region stays."""
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(FILE)
    configure("--yes", "--profile-name", "other")
    first = written(home)
    ran = configure("--yes", "--profile-name", "other", "--ticket", "T-7")
    assert ran.exit_code == 0, ran.output
    assert written(home) == first.replace("T-1042", "T-7")
    assert "region = us-east-2\n" in first
    assert "says so already" in configure("--profile-name", "other", "--ticket", "T-7").output


def test_what_is_not_confirmed_is_not_written(home):
    """--dry-run shows it and writes nothing; where nobody can be asked, nothing is assumed."""
    assert "+[profile support-111122223333]" in configure("--dry-run").output
    ran = configure()
    assert ran.exit_code == 2
    assert "say --yes to write, or --dry-run" in ran.output
    assert not (home / ".aws").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[profile harbour]\n[profile  harbour]\n", "[profile harbour] stands there twice."),
        ("[profile harbour]\nregion = a\nregion = b\n", "region stands twice in the profile."),
        ("[profile harbour]\nrole_arn = arn:x\n", "The profile has role_arn already"),
        ("[profile harbour]\nsso_session = x\n", "The profile has sso_session already"),
        ("[profile harbour\n", "Line 1 begins a section and does not end its name."),
        ("\ufeff[profile harbour]\n", "It begins with a byte order mark"),
    ],
)
def test_what_could_be_read_otherwise_is_left_to_a_person(home, text, said):
    """The sentence names what is wrong, and the file is as it was."""
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_bytes(text.encode())
    ran = configure("--yes", "--profile-name", "harbour", "--region", "eu-central-1")
    assert ran.exit_code == 1
    assert said in ran.output
    assert written(home) == text


def test_keys_under_the_same_name_are_told(home):
    """SDKs prefer them, so the profile would silently be somebody else."""
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text("[harbour]\naws_access_key_id = AKIAEXAMPLE\n")
    ran = configure("--yes", "--profile-name", "harbour")
    assert ran.exit_code == 1
    assert "has keys for [harbour], which SDKs would prefer" in ran.output
    assert "AKIA" not in ran.output
    assert configure("--yes", "--profile-name", "another").exit_code == 0


@pytest.mark.parametrize("name", ["", "a b", "a]", "a\nb", "#a", "-a", "x" * 65])
def test_a_name_that_could_break_the_file_is_wrong_usage(home, name):
    """No tool could read the section's header as anything else."""
    ran = configure("--yes", "--profile-name", name)
    assert (ran.exit_code, (home / ".aws").exists()) == (2, False)


def test_a_link_stays_a_link_and_what_it_leads_to_keeps_its_mode(home):
    """As people have it who keep their files in a repository."""
    kept = home / "dotfiles" / "aws-config"
    kept.parent.mkdir()
    kept.write_text(FILE)
    kept.chmod(0o640)
    (home / ".aws").mkdir()
    (home / ".aws" / "config").symlink_to("../dotfiles/aws-config")
    assert configure("--yes").exit_code == 0
    assert (home / ".aws" / "config").is_symlink()
    assert kept.read_text().startswith(FILE)
    assert kept.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in kept.parent.iterdir()) == ["aws-config"]


def test_the_file_that_the_variable_names_is_the_one(home, monkeypatch):
    """AWS_CONFIG_FILE goes before ~/.aws/config, as for every AWS tool."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "elsewhere" / "config"))
    assert configure("--yes").exit_code == 0
    assert not (home / ".aws").exists()
    assert "credential_process" in (home / "elsewhere" / "config").read_text()


def test_a_file_that_cannot_be_read_is_told(home):
    """One sentence, and nothing written."""
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_bytes(b"[default]\nname = \xff\n")
    ran = configure("--yes")
    assert ran.exit_code == 1
    assert "cannot be read. It is not UTF-8." in ran.output


def test_what_others_wrote_meanwhile_is_not_lost(tmp_path):
    """Between the question and the answer the file may change: then nothing is written."""
    file = tmp_path / "config"
    file.write_text("theirs")
    with pytest.raises(Changed):
        replace(file, before="ours", after="new")
    assert file.read_text() == "theirs"
    assert [each.name for each in tmp_path.iterdir()] == ["config"]


def test_of_many_at_once_one_writes_and_the_others_see_it(tmp_path):
    """The lock covers the look and the write: no change is lost between two of these."""
    file = tmp_path / "config"
    outcomes: list[bool] = []

    def write(number: int) -> None:
        try:
            replace(file, before="", after=f"{number}\n" * 1000)
            outcomes.append(True)
        except Changed:
            outcomes.append(False)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 7 + [True]
    assert len(set(file.read_text().split())) == 1


def test_line_ends_stay_as_they_are():
    """A file from Windows keeps its own, and gets the same for what is new."""
    text = "[profile a]\r\nregion = x\r\n"
    assert with_settings(text, profile="a", settings={"region": "y", "output": "json"}) == (
        "[profile a]\r\nregion = y\r\noutput = json\r\n"
    )


def test_a_value_that_goes_on_is_replaced_whole():
    """Indented lines belong to the setting above; those of others stay."""
    text = "[profile a]\ncredential_process = old\n  and more\ns3 =\n  x = 1\n"
    assert with_settings(text, profile="a", settings={"credential_process": "new"}) == (
        "[profile a]\ncredential_process = new\ns3 =\n  x = 1\n"
    )


_PIECES = st.lists(
    st.sampled_from(
        [
            "[default]\n",
            "[profile b]\n",
            "[profile 'c d']\n",
            "region = x\n",
            "output=json\n",
            "s3 =\n  a = 1\n",
            "# a remark = x\n",
            "; profile a\n",
            "\n",
            "   \n",
        ]
    ),
    max_size=12,
)


@given(_PIECES, _PIECES)
def test_whatever_stands_around_it_the_section_is_readable_and_the_rest_is_there(before, behind):
    """What is added is found by its key, and taking it out again gives the file back."""
    text = "".join([*before, "[profile a]\n", "output = text\n", *behind])
    try:
        after = with_settings(text, profile="a", settings={"credential_process": "/bin/b get"})
    except Ambiguous:
        pytest.fail("nothing in this file can be read in two ways")
    assert after.replace("credential_process = /bin/b get\n", "", 1) == text
    _, _, section = after.partition("[profile a]\n")
    assert "credential_process = /bin/b get\n" in section.partition("\n[")[0] + "\n"


def test_keys_are_found_by_name_only():
    """A remark, another profile or another setting is no key."""
    text = "[a]\n# aws_access_key_id = x\nregion = y\n[b]\naws_access_key_id = x\n"
    assert [names_keys(text, profile=name) for name in ("a", "b", "c")] == [False, True, False]


@pytest.mark.parametrize("option", ["--region", "--output"])
@pytest.mark.parametrize(
    "value", ["eu-west-1\n[default]\ncredential_process = sh", "a b", "", "\x1b"]
)
def test_a_value_is_a_word_and_no_further_setting(home, option, value):
    """Whoever fills it in from elsewhere writes no process into another profile."""
    ran = configure("--yes", option, value)
    assert ran.exit_code == 2, ran.output
    assert not (home / ".aws").exists()


def test_secrets_of_neighbours_are_not_shown(home):
    """What is shown may end in the log of whatever ran this."""
    (home / ".aws").mkdir()
    kept = "[profile old]\nAWS_Secret_Access_Key = cAnArY\naws_session_token=cAnArY\n"
    (home / ".aws" / "config").write_text(kept)
    ran = configure("--yes")
    assert ran.exit_code == 0, ran.output
    assert "cAnArY" not in ran.output
    assert "+credential_process" in ran.output
    assert written(home).startswith(kept)
