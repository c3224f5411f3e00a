"""What the image promises, read off the Dockerfile: no engine is needed to hold it to that."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    stage: int
    name: str
    rest: str


def read() -> list[Instruction]:
    """The instructions in order, continued lines joined and comments left out."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    code = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    instructions: list[Instruction] = []
    stage = -1
    for line in filter(None, code.replace("\\\n", "").splitlines()):
        name, rest = line.split(maxsplit=1)
        stage += name == "FROM"
        instructions.append(Instruction(stage, name, rest))
    return instructions


INSTRUCTIONS = read()
FINAL = INSTRUCTIONS[-1].stage


def rests(name: str, *, stage: int | None = None) -> list[str]:
    return [
        one.rest
        for one in INSTRUCTIONS
        if one.name == name and (stage is None or one.stage == stage)
    ]


def environment() -> dict[str, str]:
    pairs = " ".join(rests("ENV", stage=FINAL)).split()
    return dict(pair.split("=", maxsplit=1) for pair in pairs)


def test_it_is_built_in_one_stage_and_runs_in_another_of_the_same_base():
    assert FINAL == 1
    assert {base.split()[0] for base in rests("FROM")} == {"${BASE}"}
    (base,) = rests("ARG")
    assert re.fullmatch(r"BASE=python:3\.11[.0-9]*-slim-[a-z]+", base)


def test_every_copied_path_exists_and_is_named():
    for rest in rests("COPY"):
        if rest.startswith("--from="):
            continue
        *sources, _ = rest.split()
        for source in sources:
            assert source.strip("./"), "the whole context would take secrets in"
            assert "*" not in source
            assert (ROOT / source).exists(), source


def test_the_final_image_takes_only_the_environment_and_the_entry_module():
    assert rests("COPY", stage=FINAL) == ["--from=build /opt/broker /opt/broker", "wsgi.py ./"]


def test_whatever_is_fetched_is_held_to_a_hash():
    fetching = [
        command
        for rest in rests("RUN")
        for command in rest.split("&&")
        if re.search(r"\bpip\b.* (install|wheel)\b", command) and "--no-index" not in command
    ]
    assert len(fetching) == 2
    for command in fetching:
        assert "--require-hashes" in command
        assert "--no-deps" in command, "the lock is complete, and nothing is resolved again"


@pytest.mark.parametrize("lock", ["requirements.txt", "tests/requirements.txt"])
def test_every_pin_of_a_lock_has_hashes(lock):
    pins = re.sub(r"\\\n", "", (ROOT / lock).read_text("utf-8"))
    names = [line for line in pins.splitlines() if re.match(r"[a-z0-9]", line)]
    assert names
    for line in names:
        assert re.match(r"[a-z0-9.\[\],-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


def test_the_pin_of_setuptools_can_be_taken_out_of_the_lock():
    """What the build does with sed."""
    lock = (ROOT / "tests" / "requirements.txt").read_text("utf-8")
    assert re.search(r"^setuptools==\S+ \\\n( +--hash=\S+ \\\n)* +--hash=\S+\n", lock, re.MULTILINE)


def test_no_compiler_reaches_the_final_image():
    assert not [rest for rest in rests("RUN", stage=FINAL) if "apt-get" in rest or "pip" in rest]


def test_it_runs_as_a_user_who_is_a_number_and_not_root():
    (user,) = rests("USER", stage=FINAL)
    uid, gid = user.split(":")
    assert int(uid) > 0
    assert int(gid) > 0
    (folder,) = [rest for rest in rests("RUN", stage=FINAL) if "/var/lib/broker" in rest]
    assert f"--owner {uid} --group {gid} --mode 0700" in folder
    names = [one.name for one in INSTRUCTIONS if one.stage == FINAL]
    assert "RUN" not in names[names.index("USER") :]


def test_what_it_keeps_lies_on_the_volume():
    (volume,) = rests("VOLUME")
    assert environment()["BROKER_STORE_URL"].startswith(f"embedded:{volume}/")
    assert environment()["BROKER_LOCAL_KEYS_FOLDER"].startswith(f"{volume}/")


def test_no_secret_stands_in_it():
    assert not re.search(r"(?i)passphrase|secret|token|password", " ".join(rests("ENV")))


def test_gunicorn_is_started_in_exec_form_and_ended_by_sigterm():
    (entrypoint,) = rests("ENTRYPOINT")
    configuration = "python:broker.web.gunicorn_conf"
    assert json.loads(entrypoint) == ["gunicorn", "-c", configuration, "wsgi:app"]
    assert rests("CMD") == []
    assert rests("STOPSIGNAL") == ["SIGTERM"]


def test_it_asks_itself_whether_it_is_healthy_where_it_listens():
    (check,) = rests("HEALTHCHECK")
    python, option, program = json.loads(check.partition("CMD ")[2])
    assert (python, option) == ("python", "-c")
    ast.parse(program)
    assert "BROKER_BIND" in program
    port = environment()["BROKER_BIND"].rpartition(":")[2]
    assert rests("EXPOSE") == [port]
