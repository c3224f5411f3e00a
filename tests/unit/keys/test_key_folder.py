"""The folder of key files: what is unsafe to read, and what a crash or a full disk leaves."""

import errno
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keys.errors import KeyNotUsable, KeyUnavailable, ProviderRefused, UnsafeKeyFile
from keys.keyfiles import KeyFolder
from keys.types import ProviderKeyState

KID = "k" * 43
OTHER = "o" * 43
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "keys"


@pytest.fixture
def folder(path: Path) -> KeyFolder:
    return KeyFolder(path)


@pytest.fixture
def file(folder: KeyFolder) -> Path:
    folder.add(KID, b"content")
    return Path(folder.enabled_file(KID))


@pytest.mark.usefixtures("file")
def test_what_is_added_can_be_read(folder):
    """The content comes back as it was."""
    assert folder.read(KID) == b"content"


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o666])
def test_a_file_that_others_may_use_is_not_read(folder, file, mode):
    """Read, write or execute, group or world: somebody was careless with it."""
    file.chmod(mode)

    with pytest.raises(UnsafeKeyFile, match="open to its group or to others"):
        folder.read(KID)


def test_a_symbolic_link_is_not_followed(folder, file, tmp_path):
    """Even where it points at a file of the right mode."""
    elsewhere = tmp_path / "elsewhere"
    os.replace(file, elsewhere)
    file.symlink_to(elsewhere)

    with pytest.raises(UnsafeKeyFile, match="symbolic link"):
        folder.read(KID)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "named pipe"])
def test_what_is_no_file_is_not_read(folder, file, make):
    """And reading a pipe that nobody writes to does not wait."""
    file.unlink()
    make(file, 0o700)

    with pytest.raises(UnsafeKeyFile, match="not what its name promises"):
        folder.read(KID)


def test_a_file_of_another_user_is_not_read(folder, file, monkeypatch):
    """Whoever owns it may change it."""
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)

    with pytest.raises(UnsafeKeyFile, match="another user"):
        folder.read(KID)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_folder_that_others_may_enter_is_refused(path, mode):
    """Names tell states there, so that nobody else may rename."""
    path.chmod(mode)

    with pytest.raises(UnsafeKeyFile, match="open to its group or to others"):
        KeyFolder(path)


@pytest.mark.usefixtures("folder")
def test_a_folder_behind_a_link_is_refused(path, tmp_path):
    """Whoever may set the link may exchange the folder."""
    (tmp_path / "link").symlink_to(path)

    with pytest.raises(UnsafeKeyFile, match="not what its name promises"):
        KeyFolder(tmp_path / "link")


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    """A slip in the settings is told as such."""
    (tmp_path / "keys").touch(mode=0o600)

    with pytest.raises(UnsafeKeyFile, match="not what its name promises"):
        KeyFolder(tmp_path / "keys")


@pytest.mark.usefixtures("file")
def test_an_existing_folder_is_opened_again(path):
    """Several processes share it."""
    assert KeyFolder(path).read(KID) == b"content"


@pytest.mark.usefixtures("file")
def test_the_name_tells_the_state(folder, path):
    """From enabled to disabled to scheduled, one file and one rename each."""
    assert folder.state(KID) is ProviderKeyState.ENABLED
    folder.disable(KID)
    assert (folder.state(KID), os.listdir(path)) == (
        ProviderKeyState.DISABLED,
        [f"{KID}.disabled"],
    )
    folder.schedule_deletion(KID, at=NOW)
    assert (folder.state(KID), os.listdir(path)) == (
        ProviderKeyState.PENDING_DELETION,
        [f"{KID}.delete-after-20261124T120000Z"],
    )
    folder.destroy_due(NOW)
    assert (folder.state(KID), os.listdir(path)) == (ProviderKeyState.MISSING, [])


@pytest.mark.usefixtures("file")
def test_a_key_that_does_not_sign_is_not_read(folder):
    """Only the enabled name opens."""
    folder.disable(KID)

    with pytest.raises(KeyNotUsable):
        folder.read(KID)


def test_only_names_of_our_own_making_are_destroyed(folder, path):
    """A file that merely looks alike stays where it is."""
    strangers = {
        "notes.delete-after-20200101T000000Z",
        f"{KID}.delete-after-yesterday",
        f"{KID}.delete-after-20200101T000000Z.bak",
    }
    for name in strangers:
        (path / name).touch()

    folder.destroy_due(NOW)

    assert set(os.listdir(path)) == strangers


def test_content_is_durable_before_its_name_is(folder, monkeypatch):
    """Flush the file, give it its name, flush the folder: power may fail between any two."""
    steps = []
    flush, rename = os.fsync, os.replace

    def record_flush(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("flush folder" if is_folder else "flush file")
        flush(descriptor)

    def record_rename(source: str, target: str) -> None:
        steps.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", record_flush)
    monkeypatch.setattr(os, "replace", record_rename)
    folder.add(KID, b"content")

    assert steps == ["flush file", "rename", "flush folder"]


def test_a_crash_before_the_rename_leaves_no_key(folder, path):
    """A process that dies at the worst moment: no half-written key, and work goes on."""
    dying = (
        "import os, sys; from pathlib import Path; from keys.keyfiles import KeyFolder;"
        "os.replace = lambda *_: os._exit(9);"
        "KeyFolder(Path(sys.argv[1])).add(sys.argv[2], b'content')"
    )

    died = subprocess.run([sys.executable, "-c", dying, os.fspath(path), KID], check=False)

    assert died.returncode == 9
    assert [name[:5] for name in os.listdir(path)] == [".new-"]
    assert folder.state(KID) is ProviderKeyState.MISSING
    folder.destroy_due(NOW)
    folder.add(OTHER, b"content")
    assert folder.state(OTHER) is ProviderKeyState.ENABLED


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), KeyUnavailable),
        (PermissionError(errno.EACCES, "Permission denied"), ProviderRefused),
    ],
)
def test_a_failed_write_leaves_nothing_behind(folder, path, monkeypatch, failure, error):
    """The temporary file goes, the error is ours, and its text holds no path."""

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(os, "replace", fail)

    with pytest.raises(error, match="cannot write a key file") as raised:
        folder.add(KID, b"content")

    assert os.listdir(path) == []
    assert os.fspath(path) not in str(raised.value)
    assert raised.value.__cause__ is failure
