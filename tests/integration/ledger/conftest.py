"""A world of its own for each test, since each writes a chain from its beginning."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.ledger.world import LedgerWorld

START = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LedgerWorld]:
    made = LedgerWorld.made_in(tmp_path, START)
    yield made
    made.services.close()
