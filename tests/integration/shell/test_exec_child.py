"""COMMAND behaves under `broker exec` as without it: signals, stops, terminals, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.programs import PATIENCE
from tests.e2e.screen import RUNS, Screen

OUTLIVING = (
    sys.executable,
    "-c",
    "import os, sys; from broker.cli.exec.child import *\n"
    "with signals_held() as mask: status = outlived(start(sys.argv[1:], {**os.environ}, mask=mask))"
    "\nend_like(status)",
)
"""A program that does with COMMAND what `broker exec` does, without any credentials."""


@contextmanager
def running(*command: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # type: ignore[call-overload]
        [*OUTLIVING, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def ended(*command: str) -> int:
    with running(*command) as process:
        process.communicate(timeout=PATIENCE)
        return process.returncode


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_the_exit_code_is_commands(status):
    """Scripts go on as they would."""
    assert ended("sh", "-c", f"exit {status}") == status


@pytest.mark.parametrize("name", ["TERM", "INT", "KILL", "SEGV"])
def test_a_signal_that_ends_command_ends_us(name):
    """A shell shows 128+n, and stops a script at Ctrl-C, which it would not for an exit code."""
    assert ended("sh", "-c", f"kill -{name} $$") == -getattr(signal, f"SIG{name}")
    line = " ".join(f"'{word}'" for word in (*OUTLIVING, "sh", "-c"))
    shown = subprocess.run(
        ["sh", "-c", f'{line} "kill -{name} \\$\\$"; echo $?'],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert shown.stdout == f"{128 + getattr(signal, f'SIG{name}')}\n"


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT", "QUIT", "USR1", "USR2", "WINCH"])
def test_what_is_sent_to_us_alone_reaches_command(name):
    """A process manager knows only us."""
    script = f"trap 'echo got {name}; exit 5' {name}; echo ready; while :; do sleep 0.05; done"
    with running("sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(getattr(signal, f"SIG{name}"))
        out, _ = process.communicate(timeout=PATIENCE)
        assert (out, process.returncode) == (f"got {name}\n", 5)


def test_command_may_outlive_a_signal():
    """We do not end before it does, whatever we were sent."""
    script = "trap '' TERM INT HUP; echo ready; read line; echo $line; exit 4"
    with running("sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process.send_signal(number)
        out, _ = process.communicate("still here\n", timeout=PATIENCE)
        assert (out, process.returncode) == ("still here\n", 4)


def test_command_has_the_signals_that_we_had():
    """Nothing is blocked or ignored in it for our sake, nor for Python's."""
    script = ("sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status")
    here = subprocess.run(script, capture_output=True, text=True, check=True, timeout=PATIENCE)
    with running(*script) as process:
        out, _ = process.communicate(timeout=PATIENCE)
    assert _named_signals(out) == _named_signals(here.stdout)


def _named_signals(status: str) -> list[int]:
    """The masks without 32 and 33, which are the C library's own."""
    return [int(line.split()[1], 16) & 0x7FFFFFFF for line in status.splitlines()]


def test_what_was_ignored_before_us_stays_ignored():
    """As `nohup` does it."""
    with running(
        "sh", "-c", "kill -HUP $$; echo alive", preexec_fn=lambda: signal.signal(1, signal.SIG_IGN)
    ) as process:
        out, _ = process.communicate(timeout=PATIENCE)
    assert out == "alive\n"


def test_open_files_and_the_process_group_are_passed_on():
    """Files that a shell opened for it, and the group that the terminal sends signals to."""
    reading, writing = os.pipe()
    with running(
        "bash", "-c", f"echo through >&{writing}; ps -o pgid= -p $$", pass_fds=[writing]
    ) as process:
        os.close(writing)
        out, err = process.communicate(timeout=PATIENCE)
        assert err == ""
    assert os.read(reading, 100) == b"through\n"
    os.close(reading)
    assert int(out) == os.getpgid(0)


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("no-such-command", 127, "no-such-command: there is no such command."),
        ("/etc/passwd", 126, "/etc/passwd cannot be run: Permission denied."),
        ("/", 126, "/ cannot be run: Permission denied."),
    ],
)
def test_a_command_that_cannot_be_run_ends_as_in_a_shell(command, status, said):
    """127 where it is not there, 126 where it is no program."""
    driver = OUTLIVING[2].replace("import os, sys;", "import os, sys, click;")
    guarded = "\n".join(
        [
            driver.splitlines()[0],
            "try:",
            *(f"    {line}" for line in driver.splitlines()[1:]),
            "except click.ClickException as e: e.show(); sys.exit(e.exit_code)",
        ]
    )
    ran = subprocess.run(
        [sys.executable, "-c", guarded, command],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (status, f"Error: {said}\n")


def test_ctrl_c_goes_to_command_once_and_not_to_us(tmp_path: Path):
    """The terminal sends it to the whole group, so nothing is passed on a second time."""
    script = "n=0; trap 'n=$((n+1))' INT; echo ready; read line; echo interrupted $n times; exit 3"
    with Screen(
        *OUTLIVING, "bash", "-c", script, home=tmp_path, environment={"PYTHONPATH": os.getcwd()}
    ) as screen:
        screen.see("ready")
        screen.type("\x03")
        screen.type("\n")
        screen.see("interrupted 1 times")
        assert screen.ended() == 3


def test_ctrl_z_and_fg_stop_and_continue_both(tmp_path: Path):
    """A shell's job control sees one job, as without us."""
    script = tmp_path / "job"
    script.write_text("echo working; read line; echo continued with $line")
    runner = tmp_path / "run"
    words = " ".join(f"'{word}'" for word in OUTLIVING)
    runner.write_text(f"{words} sh {script}\n")
    environment = {"PYTHONPATH": os.getcwd()}
    with Screen("bash", "--norc", "-i", home=tmp_path, environment=environment) as screen:
        screen.type(f". {runner}\n")
        screen.see("working")
        screen.type("\x1a")
        screen.see("Stopped")
        screen.type("echo shell is $((40 + 2))\n")
        screen.see("shell is 42")
        screen.type("fg\n")
        screen.type("input\n")
        screen.see("continued with input")
        screen.type("exit\n")
        assert screen.ended() == 0


def test_a_shell_is_interactive_inside(tmp_path: Path):
    """It has the terminal, its own job control, and leaves with its own exit code."""
    environment = {"PYTHONPATH": os.getcwd()}
    with Screen(
        *OUTLIVING, "bash", "--norc", "-i", home=tmp_path, environment=environment
    ) as screen:
        screen.see("$ ")
        screen.type(f"{sys.executable} -c '{RUNS}'\n")
        screen.see("42 runs")
        screen.type("\x03")
        screen.see("^C")
        screen.see("$ ")
        screen.type("echo back with $?\n")
        screen.see("back with 130")
        screen.type("exit 9\n")
        assert screen.ended() == 9
        assert "no job control" not in screen.everything()
