"""The real programs of the story, each with no environment but what it is given."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

from broker.cli.demo.stage import command
from broker.cli.demo.steps import Play, Step

REGION = "us-east-1"
LONGEST_SECONDS = 60
"""No program of the story may take longer."""

_AWS_CODE = re.compile(r"An error occurred \((\w+)\)")
_BROKER_CODE = re.compile(r"\[(\w+)\]$")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program printed, and how it ended. It may hold credentials."""

    exit_code: int
    output: str = field(repr=False)
    error: str

    @property
    def succeeded(self) -> bool:
        """Whether the program did what it was asked for."""
        return self.exit_code == 0

    @property
    def code(self) -> str:
        """The code of the refusal, as AWS or the broker names it."""
        text = self.error.strip()
        found = _AWS_CODE.search(text) or _BROKER_CODE.search(text)
        return found[1] if found else f"exit code {self.exit_code}"


def run(words: Sequence[str], environment: Mapping[str, str], *, given: str = "") -> Answer:
    """Run a console script of this environment to its end; `given` is its standard input."""
    program, *arguments = words
    ended = subprocess.run(  # noqa: S603 - the demo's own words, no outside input
        [str(command(program)), *arguments],
        env={"PATH": os.environ.get("PATH", os.defpath), **environment},
        input=given,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    return Answer(ended.returncode, ended.stdout, ended.stderr)


def run_with_somebody(
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    waits_at: re.Pattern[str],
    somebody: Callable[[str], object],
) -> Answer:
    """The same for one that waits for a person: they get what `waits_at` finds on its stderr."""
    program, *arguments = words
    with subprocess.Popen(  # noqa: S603 - the demo's own words, no outside input
        [str(command(program)), *arguments],
        env={"PATH": os.environ.get("PATH", os.defpath), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        guard = Timer(LONGEST_SECONDS, started.kill)
        guard.start()
        try:
            told = []
            for line in started.stderr or ():
                told.append(line)
                if found := waits_at.search(line):
                    somebody(found[0])
                    break
            output, error = started.communicate()
        finally:
            guard.cancel()
            started.kill()
    return Answer(started.returncode, output, "".join(told) + error)


def done(output: str) -> str:
    """How a success is told where its output does not matter."""
    del output
    return "done"


@dataclass(frozen=True, slots=True)
class AwsCli:
    """The real AWS CLI with somebody's credentials, against the sandbox."""

    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, credentials: Mapping[str, str], *, endpoint: str, home: Path) -> AwsCli:
        """With `credentials` as environment variables, and no configuration of this machine."""
        return cls(
            {
                "HOME": str(home),
                "AWS_CONFIG_FILE": str(home / "no-aws-config"),
                "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-aws-credentials"),
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_PAGER": "",
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ENDPOINT_URL": endpoint,
                **credentials,
            }
        )

    def step(
        self,
        title: str,
        words: str,
        *,
        expected: str,
        reading: Callable[[str], str] = done,
        given: str = "",
    ) -> Play:
        """`aws <words>` as a step: its output as `reading` tells it, or the code of the refusal."""

        def play() -> Step:
            answer = run(["aws", *shlex.split(words)], self.environment, given=given)
            return Step(
                title=title,
                expected=expected,
                got=reading(answer.output) if answer.succeeded else answer.code,
                detail=answer.error or answer.output,
            )

        return play
