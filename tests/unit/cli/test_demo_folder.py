"""The demo's folder is its own: private, remade at each run, and never somebody else's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from broker.cli.demo.folder import MARKER, FolderRefused, remade, write_environment


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_folder_is_closed_to_others(tmp_path: Path) -> None:
    """It holds API tokens and the store."""
    with remade(tmp_path / "demo") as folder:
        assert _mode(folder) == 0o700


def test_what_an_earlier_demo_left_is_deleted(tmp_path: Path) -> None:
    """Files, folders and links go; what a link points to stays."""
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").write_text("mine")
    with remade(tmp_path / "demo") as folder:
        (folder / "env").write_text("old")
        (folder / "store").mkdir()
        (folder / "store" / "file").write_text("old")
        (folder / "link").symlink_to(treasure)
    with remade(tmp_path / "demo") as folder:
        assert [entry.name for entry in folder.iterdir()] == [MARKER]
    assert (treasure / "gold").read_text() == "mine"


def test_a_folder_that_is_open_to_others_is_closed(tmp_path: Path) -> None:
    """An empty folder may be used, but not as it stands."""
    (tmp_path / "demo").mkdir(mode=0o755)
    with remade(tmp_path / "demo") as folder:
        assert _mode(folder) == 0o700


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    """Nothing of it is deleted, and the sentence says what to do."""
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FolderRefused, match="holds what no demo made"), remade(tmp_path):
        pytest.fail("the folder was taken")
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("what", ["file", "link"])
def test_what_is_not_a_folder_is_refused(tmp_path: Path, what: str) -> None:
    """A link could lead anywhere."""
    place = tmp_path / "demo"
    if what == "file":
        place.write_text("a file")
    else:
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderRefused, match="is not a folder"), remade(place):
        pytest.fail("it was taken")


def test_a_second_demo_does_not_disturb_the_first(tmp_path: Path) -> None:
    """The running one keeps its files; once it has ended, the folder is free."""
    with remade(tmp_path / "demo") as folder:
        (folder / "env").write_text("in use")
        with pytest.raises(FolderRefused, match="A demo is running"), remade(folder):
            pytest.fail("the folder was taken twice")
        assert (folder / "env").read_text() == "in use"
    with remade(tmp_path / "demo") as folder:
        assert not (folder / "env").exists()


def test_the_environment_file_is_private_and_exports(tmp_path: Path) -> None:
    """Programs started after `. env` see each value as it is, whatever characters it has."""
    awkward = 'it\'s $HOME "and" `more`'
    write_environment(tmp_path / "env", {"BROKER_URL": "http://127.0.0.1:1", "AWKWARD": awkward})
    assert _mode(tmp_path / "env") == 0o600
    seen = subprocess.run(
        ["sh", "-c", ". ./env && printenv AWKWARD BROKER_URL"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout == f"{awkward}\nhttp://127.0.0.1:1\n"


def test_the_environment_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    """Tokens must not land where somebody else decided."""
    (tmp_path / "env").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_environment(tmp_path / "env", {"BROKER_TOKEN": "secret"})
    assert not (tmp_path / "elsewhere").exists()
