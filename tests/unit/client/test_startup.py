"""What a command does not use it does not wait for."""

from __future__ import annotations

import subprocess
import sys

UNUSED_BY_GET = (
    *("boto3", "cryptography", "flask", "redis", "structlog"),
    *("broker.settings", "broker.wiring", "broker.store", "broker.web"),
    *("broker.contract.accounts", "broker.contract.grants", "broker.contract.trail"),
)


def test_getting_credentials_imports_no_more_than_it_uses() -> None:
    """`broker get` runs behind every command of somebody's shell; a subject that it does not ask
    about costs it nothing."""
    listed = "import sys, broker.cli.get; print('\\n'.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", listed], check=True, capture_output=True, text=True)
    imported = set(ran.stdout.split())
    assert "broker.contract.sessions" in imported
    assert imported.isdisjoint(UNUSED_BY_GET)
