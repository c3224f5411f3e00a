"""Archiving: what leaves the store is in a proved file first, and both parts are one chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from broker.cli import broker
from broker.cli.ledger.files import NewFile, lines_of
from broker.domain.ledger.entries import LedgerAction
from broker.domain.ledger.verification import BrokenLine
from broker.errors import AccessDenied, Conflict, InvalidRequest, NotFound
from broker.services.ledger.archiving import Archived, Archiving, UnprovenArchive
from broker.services.ledger.lines import BrokenOff, LedgerLines, Stretch
from broker.services.reading import Window
from tests.integration.ledger.world import (
    ACCOUNT,
    ADMIN,
    AUDITOR,
    CHAIN,
    LedgerWorld,
    settings_of,
    verified,
)


def grown(world: LedgerWorld) -> tuple[int, int]:
    """Two checkpoints a year apart, and entries after each; where the checkpoints are."""
    world.write(5)
    first = world.signing(ACCOUNT, ADMIN).seq
    world.write(3)
    world.later(days=365)
    second = world.signing(ACCOUNT, ADMIN).seq
    world.write(2)
    return first, second


def archiving(world: LedgerWorld) -> Archiving:
    return replace(world.services.ledger.archiving, clock=world.clock)


def archive(world: LedgerWorld, path: Path, *, days_ago: int = 100) -> Archived:
    before = world.now - timedelta(days=days_ago)
    with NewFile(path) as file:
        return archiving(world)(ACCOUNT, file, ADMIN, before=before)


def test_old_entries_go_to_a_file_and_the_chain_stays_whole(
    world: LedgerWorld, tmp_path: Path
) -> None:
    """The archive proves itself, so does the rest, and both together from the first entry on."""
    first, second = grown(world)
    whole = world.export()
    archived = archive(world, tmp_path / "old.jsonl")
    assert (archived.through, archived.entries) == (first, first)
    old = list(lines_of(tmp_path / "old.jsonl"))
    assert old[:first] == whole[:first]
    assert archived.sha256 == hashlib.sha256(b"".join(old)).hexdigest()
    assert verified(old).last_seq == first
    rest = world.export()
    proved = verified(rest)
    assert proved.anchor is not None
    assert (proved.anchor.seq, proved.first_seq) == (first, first + 1)
    assert [c.head.seq for c in proved.checkpoints] == [first, second]
    both = verified(old, rest)
    assert (both.first_seq, both.anchor) == (1, None)
    assert both.last_seq == world.entries[-1].seq


def test_the_ledger_says_what_went_where(world: LedgerWorld, tmp_path: Path) -> None:
    """Through which entry and hash, into which file, with which digest; and it is readable on."""
    first, _ = grown(world)
    hashes = {entry.seq: entry.hash for entry in world.entries}
    archived = archive(world, tmp_path / "old.jsonl")
    assert world.entries[0].seq == first + 1
    (told,) = world.told(LedgerAction.LEDGER_ARCHIVED)
    assert told.details == {
        "source_address": "local",
        "entries": first,
        "through": first,
        "hash": hashes[first],
        "file": "old.jsonl",
        "sha256": archived.sha256,
    }
    world.write()
    assert world.entries[-1].seq == told.seq + 1


def test_the_list_begins_where_the_store_does(world: LedgerWorld, tmp_path: Path) -> None:
    """`GET /v1/ledger` goes on in parts as ever, from the first entry that is still there."""
    first, _ = grown(world)
    archive(world, tmp_path / "old.jsonl")
    reading, cursor, seen = world.services.reading, None, []
    while True:
        page = reading.ledger_page(Window(3, cursor), AUDITOR, account_id=ACCOUNT)
        seen += [entry.seq for entry in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == list(range(first + 1, world.entries[-1].seq + 1))


def test_a_second_archive_follows_from_the_first(world: LedgerWorld, tmp_path: Path) -> None:
    """It begins where that one ended, and all of them are one chain."""
    _, second = grown(world)
    archive(world, tmp_path / "one.jsonl")
    world.later(days=200)
    assert archive(world, tmp_path / "two.jsonl").through == second
    files = [list(lines_of(tmp_path / name)) for name in ("one.jsonl", "two.jsonl")]
    verified(files[1])
    assert verified(*files, world.export()).first_seq == 1
    with pytest.raises(BrokenLine):
        verified(files[1], files[0])


def test_what_was_archived_is_no_longer_exported(world: LedgerWorld, tmp_path: Path) -> None:
    """Who asks for it alone is told where it went."""
    first, _ = grown(world)
    archive(world, tmp_path / "old.jsonl")
    with pytest.raises(NotFound) as gone:
        world.export(through=first)
    assert gone.value.code == "archived"
    assert verified(world.export(after=2)).first_seq == first + 1


def test_only_what_is_old_goes(world: LedgerWorld, tmp_path: Path) -> None:
    """The last 91 days stay, and so does everything after the last checkpoint before the day."""
    first, second = grown(world)
    with pytest.raises(InvalidRequest, match="91 days"):
        archive(world, tmp_path / "x", days_ago=90)
    with pytest.raises(Conflict) as nothing:
        archive(world, tmp_path / "x", days_ago=400)
    assert nothing.value.code == "nothing_to_archive"
    world.later(days=92)
    assert archive(world, tmp_path / "x", days_ago=93).through == first
    assert archive(world, tmp_path / "y", days_ago=91).through == second


def test_the_last_of_many_checkpoints_is_found(
    world: LedgerWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: they are looked through in parts."""
    monkeypatch.setattr("broker.services.ledger.archiving._AT_ONCE", 1)
    _, second = grown(world)
    world.later(days=200)
    world.signing(ACCOUNT, ADMIN)
    assert archive(world, tmp_path / "old.jsonl").through == second


def test_archiving_again_finds_nothing(world: LedgerWorld, tmp_path: Path) -> None:
    """And leaves no file."""
    grown(world)
    archive(world, tmp_path / "one.jsonl")
    before = world.entries
    with pytest.raises(NotFound):
        archive(world, tmp_path / "two.jsonl")
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["one.jsonl"]
    assert world.entries == before


def test_only_an_admin_archives(world: LedgerWorld, tmp_path: Path) -> None:
    """An auditor reads, and takes nothing away."""
    grown(world)
    with NewFile(tmp_path / "x") as file, pytest.raises(AccessDenied):
        archiving(world)(ACCOUNT, file, AUDITOR, before=world.now - timedelta(days=100))
    assert world.entries[0].seq == 1


class Killed(BaseException):
    """The process ends here."""


class DeadlyFile(NewFile):
    """A file whose process is killed at one of its steps, or whose disk keeps something else."""

    def __init__(self, path: Path, *, step: str, spoilt: bytes | None = None) -> None:
        super().__init__(path)
        self.step, self.spoilt = step, spoilt

    def write(self, pieces: Iterable[bytes]) -> None:
        if self.step == "write":
            super().write(iter([b"half of it"]))
            raise Killed
        super().write(pieces)
        if self.spoilt is not None:
            text = self._unfinished.read_bytes()
            self._unfinished.write_bytes(text.replace(b"tests", self.spoilt, 1))

    def settle(self) -> None:
        if self.step == "before settling":
            raise Killed
        super().settle()
        if self.step == "after settling":
            raise Killed


@pytest.mark.parametrize("step", ["write", "before settling", "after settling"])
def test_a_crash_loses_nothing(world: LedgerWorld, tmp_path: Path, step: str) -> None:
    """Whatever it left behind, everything is in the store still, and the next try succeeds."""
    first, _ = grown(world)
    before = world.entries
    with pytest.raises(Killed), DeadlyFile(tmp_path / "one.jsonl", step=step) as file:
        archiving(world)(ACCOUNT, file, ADMIN, before=world.now - timedelta(days=100))
    assert world.entries == before
    assert archive(world, tmp_path / "two.jsonl").through == first
    if step == "after settling":
        files = [(tmp_path / name).read_bytes() for name in ("one.jsonl", "two.jsonl")]
        assert files[0] == files[1]


def test_a_crash_before_the_store_answers_loses_nothing(
    world: LedgerWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entries are in the store, in the file, or in both."""
    first, _ = grown(world)
    journal = world.services.ledger.archiving.journal

    def killed_after(*args: object, **options: object) -> None:
        type(journal).archive(journal, *args, **options)  # type: ignore[arg-type]
        raise Killed

    with monkeypatch.context() as crash:
        crash.setattr(journal, "archive", killed_after)
        with pytest.raises(Killed):
            archive(world, tmp_path / "old.jsonl")
    assert world.entries[0].seq == first + 1
    assert verified(list(lines_of(tmp_path / "old.jsonl")), world.export()).first_seq == 1


def test_a_file_that_does_not_verify_drops_nothing(world: LedgerWorld, tmp_path: Path) -> None:
    """A disk that keeps another byte than it was given is found out."""
    grown(world)
    before = world.entries
    path = tmp_path / "old.jsonl"
    with (
        pytest.raises(UnprovenArchive, match="line 1: entry 1 was changed"),
        DeadlyFile(path, step="", spoilt=b"tasts") as file,
    ):
        archiving(world)(ACCOUNT, file, ADMIN, before=world.now - timedelta(days=100))
    assert world.entries == before
    assert list(tmp_path.glob("*old*")) == []


class AnotherFile(NewFile):
    """A disk that gives back another file, one that is whole in itself."""

    def __init__(self, path: Path, other: list[bytes]) -> None:
        super().__init__(path)
        self._other = other

    def lines(self) -> Iterator[bytes]:
        return iter(self._other)


@pytest.mark.parametrize("signed", [True, False])
def test_a_good_file_of_less_than_goes_drops_nothing(
    world: LedgerWorld, tmp_path: Path, signed: bool
) -> None:
    """What is read back has to end with the very entry that the cut is at."""
    first, _ = grown(world)
    other = world.export(through=first if signed else first - 1)
    assert verified(other).last_seq <= first
    world.later(days=200)
    before = world.entries
    with AnotherFile(tmp_path / "old.jsonl", other) as file, pytest.raises(UnprovenArchive):
        archiving(world)(ACCOUNT, file, ADMIN, before=world.now - timedelta(days=100))
    assert world.entries == before
    assert list(tmp_path.glob("*old*")) == []


def test_a_stretch_that_is_archived_meanwhile_breaks_off(
    world: LedgerWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of going on after a gap; the file lacks its end."""
    monkeypatch.setattr("broker.services.ledger.lines.ENTRIES_AT_ONCE", 2)
    first, _ = grown(world)
    store = world.services.store
    lines = LedgerLines(journal=store.journal, checkpoints=store.checkpoints)
    pieces = lines(Stretch(account_id=ACCOUNT, after=0, through=world.entries[-1].seq))
    sent = [next(pieces)]
    archive(world, tmp_path / "old.jsonl")
    with pytest.raises(BrokenOff):
        sent += list(pieces)
    assert first > 2
    with pytest.raises(BrokenLine, match="breaks off"):
        verified(b"".join(sent).splitlines(keepends=True))


def test_the_command_archives(
    world: LedgerWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From settings to the file, as the operator of the machine; the file proves itself."""
    first, _ = grown(world)
    for name, value in settings_of(world.folder).items():
        monkeypatch.setenv(name, value)
    day = (world.now - timedelta(days=100)).strftime("%Y-%m-%d")
    path = tmp_path / "old.jsonl"
    command = ["ledger", "archive", "--account", ACCOUNT, "--before", day, "--out", str(path)]
    run = CliRunner().invoke(broker, command)
    assert run.exit_code == 0, run.output
    assert f"{first} entries, up to {first}, are in {path}" in run.output
    assert world.told(LedgerAction.LEDGER_ARCHIVED)[0].actor.startswith("operator:")
    again = CliRunner().invoke(broker, command)
    assert again.exit_code == click.UsageError.exit_code
    assert "exists already" in again.output
    check = CliRunner().invoke(broker, ["ledger", "verify", "--json", str(path)])
    assert check.exit_code == 0, check.output
    assert json.loads(check.output)["last"]["seq"] == first
    young = [*command[:5], "2999-01-01", *command[6:-1], str(tmp_path / "young.jsonl")]
    refused = CliRunner().invoke(broker, young)
    assert refused.exit_code == click.UsageError.exit_code
    assert "91 days" in refused.output
    assert world.services.store.journal.head(CHAIN).seq == world.entries[-1].seq
