"""A performance: set the stage, tell the story on it, keep it open if asked to, and clear it."""

from __future__ import annotations

import shutil
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import httpx

from broker.cli.demo.folder import remade, write_environment
from broker.cli.demo.people import JANE
from broker.cli.demo.stage import SignIn, StackNews, Stage, StageError, command
from broker.cli.demo.steps import Step, Steps
from broker.cli.demo.story import Chapter
from broker.cli.demo.telling import Telling
from broker.cli.demo.world import World, populated
from broker.cli.failures import ExitCode

ENVIRONMENT_FILE = "env"
OPERATOR_FILE = "operator"
"""What the broker itself runs with, for the commands that work on its machine."""


class Afterwards(Enum):
    """What to do once the story is told."""

    STOP = auto()
    SERVE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a demo lives: its folder, and the ports that it would like (0: any)."""

    folder: Path
    port: int
    sandbox_port: int


def perform(
    story: Sequence[Chapter], *, place: Place, afterwards: Afterwards, telling: Telling
) -> ExitCode:
    """Play the whole story. OK only if every step held; nothing runs any more when it returns.

    Raises StageError where the stage cannot be set, FolderRefused for a folder that is not ours,
    and KeyboardInterrupt where a signal ends the story before its end.
    """
    with _ended_by_signals(), remade(place.folder) as folder, ExitStack() as running:
        stage = Stage(
            folder,
            port=_free_or_any(place.port, telling),
            sandbox_port=_free_or_any(place.sandbox_port, telling),
            stack_news=StackNews.BY_HOOK,
            sign_in=SignIn.AT_THE_SANDBOX,
        )
        with telling.meanwhile("Starting the sandbox and the broker"):
            running.enter_context(stage)
        with telling.meanwhile("Onboarding two customers"):
            world = running.enter_context(populated(stage))
        write_environment(folder / ENVIRONMENT_FILE, world.environment())
        write_environment(folder / OPERATOR_FILE, stage.settings())
        telling.say(f"The sandbox plays AWS at {stage.sandbox.url}, the broker is at {stage.url}.")
        outcome = _tell(story, world, telling)
        if afterwards is Afterwards.SERVE:
            _serve(stage, telling)
    return outcome


def _tell(story: Sequence[Chapter], world: World, telling: Telling) -> ExitCode:
    begun = time.monotonic()
    for chapter in story:
        telling.chapter(chapter.title)
        for step in _tried(chapter, world):
            telling.step(step)
    telling.end(seconds=time.monotonic() - begun)
    return ExitCode.FAILED if telling.failed else ExitCode.OK


def _tried(chapter: Chapter, world: World) -> Steps:
    """The chapter's steps; if it breaks off, that is a step which did not hold."""
    try:
        yield from chapter.steps(world)
    except (StageError, httpx.HTTPError) as e:
        yield Step(
            title="the chapter goes on to its end",
            expected="an answer",
            got="an error",
            detail=str(e),
        )


def _serve(stage: Stage, telling: Telling) -> None:
    """Keep everything running until a signal comes."""
    broker, aws = _as_typed("broker"), _as_typed("aws")
    telling.say()
    telling.say("Everything keeps running until Ctrl-C.")
    telling.say()
    telling.say(f"Open {stage.url}/ and sign in as {JANE.name}, {JANE.title}, or as anybody else.")
    telling.say()
    telling.say("In another shell:")
    telling.say()
    telling.say(f"  . {_short(stage.folder / ENVIRONMENT_FILE)}")
    session = "--account $DEMO_ACCOUNT_ID --ticket $DEMO_TICKET"
    telling.say(f"  {broker} exec {session} -- {aws} s3 ls")
    telling.say(f'  eval "$({broker} get {session})"')
    telling.say(f"  {aws} sts get-caller-identity")
    telling.say()
    telling.say("As the operator, in a third one:")
    telling.say()
    telling.say(f"  . {_short(stage.folder / OPERATOR_FILE)}")
    telling.say(f"  {broker} doctor")
    telling.say()
    telling.say(f"The broker writes its log to {_short(stage.log)}.")
    with suppress(KeyboardInterrupt):
        stage.wait_for_broker()
        raise StageError(f"The broker has ended by itself; see {stage.log}.")
    telling.say()
    telling.say("Stopping everything.")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the demo in order, as Ctrl-C does.

    SIGINT too is asked for by name: a shell's background jobs start with it ignored.
    """
    ending = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which is what nohup asks for
        ending.append(signal.SIGHUP)
    before = {each: signal.signal(each, signal.default_int_handler) for each in ending}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _free_or_any(port: int, telling: Telling) -> int:
    """`port`, or 0 where somebody else listens there."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier run that still linger do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            telling.say(f"Port {port} is taken; another one will do.")
            return 0
    return port


def _as_typed(program: str) -> str:
    """How a console script of this environment is called from the present folder."""
    script = command(program)
    found = shutil.which(program)
    return program if found is not None and Path(found) == script else _short(script)


def _short(path: Path) -> str:
    """`path` as seen from the present folder, where it lies below it."""
    absolute = path.absolute()
    here = Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)
