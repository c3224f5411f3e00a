"""The real programs that the tests run: `broker`, the AWS CLI, a shell, Node.

Each runs with an environment of its own, so that nothing of the developer's machine decides.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 180
"""Seconds that any of them may take."""

REGION = "us-east-1"


@dataclass(frozen=True)
class Ran:
    """How a program ended and what it said."""

    status: int
    out: str
    err: str


def run(*command: str, home: Path, environment: Mapping[str, str], stdin: str = "") -> Ran:
    """Run a program with nothing in its environment but what is given, `PATH` and `HOME`."""
    own = str(Path(sys.executable).parent)
    done = subprocess.run(
        command,
        env={"PATH": f"{own}:{os.environ['PATH']}", "HOME": str(home), **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=home,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def environment_of(pid: int) -> bytes:
    """What its user can read there: nothing, where only root may look into the process."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except PermissionError:
        return b""


def aws_environment(endpoint_url: str) -> dict[str, str]:
    """What the AWS CLI needs to find the sandbox, and nothing but it."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }
