"""A folder that nobody else gets into, whatever they put in its place."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from broker.cli.failures import CommandMisused
from broker.cli.identity.private_folder import PrivateFolder


@pytest.fixture
def folder(tmp_path: Path) -> PrivateFolder:
    """One that is not there yet."""
    return PrivateFolder(tmp_path / "state" / "sign-ins")


def mode(path: Path) -> int:
    """Who may do what to it."""
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_read(folder: PrivateFolder) -> None:
    """As a whole, over what was there, and by its owner alone; nothing else is left there."""
    assert folder.read("one") is None
    folder.write("one", b"first")
    folder.write("one", b"second")
    assert folder.read("one") == b"second"
    assert folder.holds("one")
    assert (mode(folder.path), mode(folder.path / "one")) == (0o700, 0o600)
    assert os.listdir(folder.path) == ["one"]


def test_removing_is_safe_to_repeat(folder: PrivateFolder) -> None:
    """Also where there never was anything."""
    folder.remove("one")
    folder.write("one", b"first")
    folder.remove("one")
    folder.remove("one")
    assert folder.read("one") is None
    assert not folder.holds("one")


def test_an_open_folder_is_closed(folder: PrivateFolder) -> None:
    """It is ours, so nobody need be asked."""
    folder.write("one", b"first")
    folder.path.chmod(0o755)
    assert folder.read("one") == b"first"
    assert mode(folder.path) == 0o700


@pytest.mark.parametrize("open_to", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
def test_a_file_that_others_could_read_or_write_is_not_read(
    folder: PrivateFolder, open_to: int
) -> None:
    """It may not be what was written, and others may have it."""
    folder.write("one", b"first")
    (folder.path / "one").chmod(open_to)
    with pytest.raises(CommandMisused, match="Other users"):
        folder.read("one")
    folder.write("one", b"second")
    assert folder.read("one") == b"second"


def test_links_are_not_followed(folder: PrivateFolder, tmp_path: Path) -> None:
    """Neither in reading nor in writing: what the link leads to stays as it is."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"of somebody else")
    elsewhere.chmod(0o600)
    folder.write("other", b"")
    (folder.path / "one").symlink_to(elsewhere)
    with pytest.raises(CommandMisused):
        folder.read("one")
    folder.write("one", b"mine")
    assert elsewhere.read_bytes() == b"of somebody else"
    assert folder.read("one") == b"mine"


def test_what_is_no_file_is_refused(folder: PrivateFolder) -> None:
    """A pipe would keep us waiting for whoever is at its other end."""
    folder.write("other", b"")
    os.mkfifo(folder.path / "pipe", 0o600)
    (folder.path / "folder").mkdir(mode=0o700)
    for name in ("pipe", "folder"):
        with pytest.raises(CommandMisused):
            folder.read(name)


def test_what_belongs_to_another_user_is_refused(
    folder: PrivateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They could change it at any time."""
    folder.write("one", b"first")
    monkeypatch.setattr(os, "geteuid", lambda: folder.path.stat().st_uid + 1)
    for use in (
        lambda: folder.read("one"),
        lambda: folder.write("one", b"second"),
        lambda: folder.remove("one"),
    ):
        with pytest.raises(CommandMisused, match="belongs to another user"):
            use()


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    """A sentence, and no trace."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandMisused):
        PrivateFolder(tmp_path / "file").write("one", b"")


def test_one_at_a_time(folder: PrivateFolder) -> None:
    """Who comes second waits until the first is done."""
    order: list[str] = []
    inside, at_the_door = threading.Event(), threading.Event()

    def second() -> None:
        assert inside.wait(60)
        at_the_door.set()
        with folder.locked("one"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with folder.locked("one"):
        inside.set()
        assert at_the_door.wait(60)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]
