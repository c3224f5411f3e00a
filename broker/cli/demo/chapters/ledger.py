"""What the ledger holds of all that happened, as the customer and the auditor read it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from broker.cli.demo.story import Step, Steps
from broker.cli.demo.world import ACCOUNT_ID, OTHER_ACCOUNT_ID, World
from broker.domain.identifiers import AccountId
from broker.domain.ledger import BrokenChain, LedgerEntry, chain_of, verify
from broker.domain.permissions import Role

Entries = Sequence[Mapping[str, Any]]

UNBROKEN = "unbroken"


def steps(world: World) -> Steps:
    """The customer follows the chain; nothing is missing in it, and no secret stands in it."""
    own = world.ledger(Role.CUSTOMER, account_id=ACCOUNT_ID)
    others = world.ledger(Role.AUDITOR, account_id=OTHER_ACCOUNT_ID)
    yield Step(
        title="the customer follows the chain, hash by hash",
        expected=UNBROKEN,
        got=_verified(own, ACCOUNT_ID),
    )
    yield Step(
        title="the auditor follows the other account's chain",
        expected=UNBROKEN,
        got=_verified(others, OTHER_ACCOUNT_ID),
    )
    yield Step(
        title="a word changed in the fifth entry is noticed",
        expected="broken at entry 5",
        got=_verified(_rewritten(own, seq=5), ACCOUNT_ID),
    )
    yield _not_anybodys(world)
    yield from _complete(world, own, others)
    yield _no_secret(world, (*own, *others))


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


def _verified(entries: Iterable[Mapping[str, Any]], account_id: str) -> str:
    chain = chain_of(AccountId.parse(account_id))
    try:
        verify((LedgerEntry(**entry) for entry in entries), chain=chain)
    except BrokenChain as e:
        return f"broken at entry {e.seq}"
    return UNBROKEN


def _rewritten(entries: Entries, *, seq: int) -> Iterable[Mapping[str, Any]]:
    for entry in entries:
        yield {**entry, "actor": "nobody"} if entry["seq"] == seq else entry


def _is(entry: Mapping[str, Any], action: str, outcome: str) -> bool:
    return bool(entry["action"] == action and entry["outcome"] == outcome)
