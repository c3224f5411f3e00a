"""The doctor's table: whatever the width of the terminal, all of it is there to be read."""

from __future__ import annotations

import pytest

from broker.cli import doctor
from broker.domain.diagnosis import Check, Diagnosis

ARN = "arn:aws:iam::111122223333:role/" + "Support" * 10
KID = "0123456789abcdef" * 4
NAME = "trust policy of Acme-Support-ReadOnly-" + "Europe" * 5
PARTS = {
    "found": f"The key {KID} is not among those that {ARN} trusts.",
    "meaning": "AWS finds no key for our tokens and refuses every one.",
    "mend": f"Let https://issuer.example/oidc/{'a' * 60}/jwks.json be served as it is.",
}
FAILED = Check.failed(NAME, PARTS["found"], meaning=PARTS["meaning"], mend=PARTS["mend"])
NOT_RUN = Check.not_run("canary of the case role", "AWS does not answer.", mend="Try again.")


def joined(text: str) -> str:
    """The text without the spaces and line breaks that a table adds."""
    return "".join(text.split())


@pytest.mark.parametrize("width", [60, 61, 72, 80, 99, 120, 200, 400])
def test_nothing_is_cut_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names, ARNs and addresses go on in the next line of their column."""
    monkeypatch.setenv("COLUMNS", str(width))
    doctor._print(Diagnosis((FAILED, NOT_RUN)))
    table, summary = capsys.readouterr().out.split("\n\n")
    header, *rows = table.splitlines()
    assert all(len(row) <= width for row in rows)
    second, third = header.index("Check"), header.index("Found")
    assert joined("".join(row[:second] for row in rows)) == "FAILEDNOTRUN"
    assert joined("".join(row[second:third] for row in rows)) == joined(NAME + NOT_RUN.name)
    told = f"{PARTS['found']}Means:{PARTS['meaning']}Mend:{PARTS['mend']}"
    told += f"{NOT_RUN.found}Means:{NOT_RUN.meaning}Mend:{NOT_RUN.mend}"
    assert joined("".join(row[third:] for row in rows)) == joined(told)
    assert summary == "Of 2 checks, 1 failed, 1 could not be made.\n"
