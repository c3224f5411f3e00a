"""What the ledger holds of all that happened, as the customer and the auditor read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from broker.cli.demo.steps import Play, Step, Steps, together
from broker.cli.demo.world import ACCOUNT_ID, OTHER_ACCOUNT_ID, World
from broker.domain.identity.permissions import Role

Entries = Sequence[Mapping[str, Any]]
Lines = list[str]

UNBROKEN = "unbroken"
_FIFTH = 4
"""Where the fifth entry stands in a file without an anchor."""


def steps(world: World) -> Steps:
    """The customer takes the ledger along and verifies it; nothing is missing, nothing secret."""
    ledger = world.stage.folder / "ledger.jsonl"
    yield _exported(world, ledger)
    jwks = f"{world.account.account['issuer']}/jwks.json"
    yield from together(
        _verified(world, "the customer verifies it", ledger, jwks, expected=UNBROKEN),
        *_tampered(world, ledger, jwks),
        _verified(
            world,
            "another account's keys are not enough",
            ledger,
            f"{world.other.account['issuer']}/jwks.json",
            expected="not_vouched_for",
        ),
    )
    yield _not_anybodys(world)
    own = world.ledger(Role.CUSTOMER, account_id=ACCOUNT_ID)
    others = world.ledger(Role.AUDITOR, account_id=OTHER_ACCOUNT_ID)
    yield from _complete(world, own, others)
    yield _no_secret(world, (*own, *others))


def _exported(world: World, ledger: Path) -> Step:
    words = ("ledger", "export", "--account", ACCOUNT_ID, "--sign", "--out", str(ledger))
    answer = world.broker(*words, caller=Role.CUSTOMER)
    return Step(
        title="the customer takes it along (broker ledger export)",
        expected="done",
        got="done" if answer.succeeded else answer.code,
        detail=answer.error,
    )


def _tampered(world: World, ledger: Path, jwks: str) -> list[Play]:
    """Copies of the export, each changed in one way that the verification must name."""

    def reworded(lines: Lines) -> Lines:
        fifth = {**json.loads(lines[_FIFTH]), "actor": "nobody"}
        text = json.dumps(fifth, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        return [*lines[:_FIFTH], text, *lines[_FIFTH + 1 :]]

    def left_out(lines: Lines) -> Lines:
        return [*lines[:_FIFTH], *lines[_FIFTH + 1 :]]

    def swapped(lines: Lines) -> Lines:
        return [*lines[:_FIFTH], lines[_FIFTH + 1], lines[_FIFTH], *lines[_FIFTH + 2 :]]

    changes: Mapping[str, Callable[[Lines], Lines]] = {
        "a word changed is caught": reworded,
        "an entry left out is caught": left_out,
        "two entries swapped are caught": swapped,
    }
    lines = ledger.read_text("utf-8").splitlines()
    plays = []
    for title, change in changes.items():
        copy = ledger.with_name(f"{change.__name__}.jsonl")
        copy.write_text("\n".join(change(lines)) + "\n", "utf-8")
        plays.append(_verified(world, title, copy, jwks, expected="broken in line 5"))
    return plays


def _verified(world: World, title: str, ledger: Path, jwks: str, *, expected: str) -> Play:
    """What `broker ledger verify` says, which needs nothing of the broker but the public keys."""

    def play() -> Step:
        words = ("ledger", "verify", str(ledger), "--jwks", jwks, "--json")
        answer = world.broker(*words, caller=Role.CUSTOMER)
        return Step(
            title=f"{title} (broker ledger verify)",
            expected=expected,
            got=_verdict(answer.output) if answer.output else answer.code,
            detail=answer.error,
        )

    return play


def _verdict(output: str) -> str:
    told = json.loads(output)
    verdict = str(told["verdict"])
    return f"broken in line {told['line']}" if verdict == "broken" else verdict


def _complete(world: World, own: Entries, others: Entries) -> Steps:
    sessions = {entry["ids"]["session"] for entry in own if _is(entry, "session.opened", "done")}
    missing = [opened for opened in world.opened if opened.session["id"] not in sessions]
    yield Step(
        title=f"all {len(world.opened)} sessions of the story stand in it",
        expected="0 missing",
        got=f"{len(missing)} missing",
    )
    refusals = {
        "the closed ticket": ("ticket_closed", own),
        "the ticket of others": ("not_assigned", own),
        "the other account's ticket": ("ticket_not_for_account", others),
    }
    for what, (reason, entries) in refusals.items():
        refused = [e["reason"] for e in entries if _is(e, "session.opened", "refused")]
        yield Step(
            title=f"the refusal of {what} stands in it",
            expected=reason,
            got=reason if reason in refused else "nothing",
            detail=f"refusals in the chain: {refused}",
        )


def _not_anybodys(world: World) -> Step:
    query = {"account_id": OTHER_ACCOUNT_ID}
    answer = world.api[Role.CUSTOMER].get("/v1/ledger", params=query)
    return Step(
        title="the customer may not read the other account's chain",
        expected="forbidden",
        got="entries" if answer.is_success else answer.json()["code"],
        detail=answer.text,
    )


def _no_secret(world: World, entries: Entries) -> Step:
    written = json.dumps(entries) + world.stage.log.read_text("utf-8")
    secrets = [
        opened.credentials[name]
        for opened in world.opened
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    ]
    found = sum(secret in written for secret in secrets)
    return Step(
        title="no credentials stand in the ledger or the log",
        expected="0 secrets found",
        got=f"{found} secrets found",
    )


def _is(entry: Mapping[str, Any], action: str, outcome: str) -> bool:
    return bool(entry["action"] == action and entry["outcome"] == outcome)
