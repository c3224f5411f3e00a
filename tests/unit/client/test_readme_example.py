"""The README's Python is run as it stands, against a broker that answers OpenAPI's examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from broker.web.examples import access
from tests.unit.cli.answering import answering

README = (Path(__file__).parents[3] / "README.md").read_text()


def test_the_example_does_what_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever copies it opens a session and lists all of them."""
    passage = README.partition("#### From Python")[2]
    example = re.search(r"^```python\n(.*?)^```", passage, re.MULTILINE | re.DOTALL)
    assert example
    answers = [each.model_dump(mode="json") for each in (access.OPENED, access.SESSIONS)]
    with answering(answers) as broker:
        monkeypatch.setenv("BROKER_URL", broker.url)
        monkeypatch.setenv("BROKER_TOKEN", "brk_tests")
        exec(compile(example[1], "README.md", "exec"), {})  # noqa: S102 - our own README
    assert [(method, path) for method, path, _ in broker.asked] == [
        ("POST", "/v1/sessions"),
        ("GET", "/v1/sessions?limit=200"),
    ]
    assert broker.asked[0][2] == {"account_id": "111122223333", "ticket": "T-1042"}
    session = access.SESSION
    assert capsys.readouterr().out.splitlines() == [
        f"{session.id} {session.expires_at}",
        f"{session.engineer} {session.ticket}",
    ]
