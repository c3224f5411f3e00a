"""What the trail's commands make of answers: exit codes, parts, and text of strangers."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from broker.cli.ledger.reconcile import reconcile
from broker.cli.sessions import sessions
from tests.unit.cli.answering import answering

SESSION = "s-" + "0" * 20
EXCHANGE = {
    "event_id": "event",
    "time": "2026-11-24T12:00:00Z",
    "region": "us-east-1",
    "source_ip": "192.0.2.1",
    "error_code": None,
    "role_arn": "arn:aws:iam::111122223333:role/Acme-Support-ReadOnly",
    "session_name": "forged@x-0",
    "session_id": "",
    "ticket": "",
    "source_identity": "",
    "subject": "",
    "identity_provider": "",
    "issued_key_id": "ASIAFORGEDFORGEDFORG",
}
AGREES: dict[str, Any] = {
    "account_id": "111122223333",
    "from": "2026-11-23T12:00:00Z",
    "to": "2026-11-24T12:15:00Z",
    "complete": True,
    "verdict": "agrees",
    "settled_until": "2026-11-24T12:00:00Z",
    "delay_note": "Late.",
    "regions": [{"region": "us-east-1", "sight": "whole", "back_to": None}],
    "matched": 3,
    "unfinished": [],
    "unknown": [],
    "missing": [],
}
MISSING = {
    "session_id": SESSION,
    "role_session_name": "jane@T-1-00000000",
    "access_key_id": "ASIA",
    "at": "2026-11-24T12:00:00Z",
}


def reconciled(answer, *options):
    """The result of `broker ledger reconcile` where the broker answers this, and what it asked."""
    with answering([answer]) as broker:
        given = ["--account", "111122223333", *broker.options, *options]
        return CliRunner().invoke(reconcile, given), broker.asked


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 0),
        ({"verdict": "unknown", "unknown": [EXCHANGE]}, 3),
        ({"unknown": [EXCHANGE]}, 3),
        ({"verdict": "missing", "missing": [MISSING]}, 1),
        ({"verdict": "incomplete"}, 1),
        ({"verdict": "something newer"}, 1),
        ({"unfinished": [EXCHANGE]}, 0),
    ],
)
def test_only_what_agrees_ends_well(changes, status):
    """3 for the alarm, whatever the verdict is called; 1 for all that is no proof."""
    result, _ = reconciled({**AGREES, **changes})
    assert result.exit_code == status, result.output


@pytest.mark.parametrize("answer", [None, [], {}, {"verdict": "agrees"}])
def test_something_else_is_no_comparison(answer):
    """Whatever answers there: never a good exit code by accident."""
    result, _ = reconciled(answer)
    assert result.exit_code == 1


def test_unknown_ones_are_listed_in_full():
    """When, where, from where, as what, with which key."""
    result, _ = reconciled({**AGREES, "verdict": "unknown", "unknown": [EXCHANGE]})
    for part in ("192.0.2.1", "forged@x-0", "ASIAFORGEDFORGEDFORG", "event", "Acme-Support"):
        assert part in result.output


def test_where_to_go_on_is_said():
    """A Region that was read in part, and one that may not be looked at."""
    back_to = "2026-11-20T12:00:00Z"
    regions = [
        {"region": "us-east-1", "sight": "part", "back_to": back_to},
        {"region": "us-west-2", "sight": "refused", "back_to": None},
    ]
    result, _ = reconciled({**AGREES, "verdict": "incomplete", "regions": regions})
    assert f"--to {back_to}" in result.output
    assert "us-west-2: the account does not let its read role look." in result.output


def test_times_and_regions_are_passed_on():
    """In UTC; without a zone they would be anybody's."""
    _, asked = reconciled(
        AGREES,
        *("--from", "2026-11-20T12:00:00+02:00", "--to", "2026-11-21T12:00:00Z"),
        *("--region", "us-west-2", "--region", "eu-west-1"),
    )
    (one,) = asked
    assert one == (
        "POST",
        "/v1/accounts/111122223333/ledger-reconciliation",
        {
            "from": "2026-11-20T10:00:00Z",
            "to": "2026-11-21T12:00:00Z",
            "regions": ["us-west-2", "eu-west-1"],
        },
    )
    for wrong in ("2026-11-20T12:00:00", "yesterday"):
        result, asked = reconciled(AGREES, "--from", wrong)
        assert (result.exit_code, asked) == (2, [])


EVENT = {
    "event_id": "event",
    "time": "2026-11-24T12:00:00Z",
    "name": "DescribeInstances",
    "source": "ec2.amazonaws.com",
    "region": "us-east-1",
    "read_only": True,
    "marked": False,
    "error_code": None,
    "source_ip": "192.0.2.1",
    "user_name": "jane@T-1-00000000",
    "access_key_id": "ASIA",
    "resources": [],
}
PART: dict[str, Any] = {
    "items": [EVENT],
    "regions": ["us-east-1"],
    "unseen_regions": [],
    "complete": True,
    "delay_note": "Late.",
    "next": None,
}


def activity(parts, *options):
    """The result of `broker sessions activity` where the broker answers these, one by one."""
    with answering(parts) as broker:
        given = ["activity", SESSION, *broker.options, *options]
        return CliRunner().invoke(sessions, given), broker.paths


def test_all_parts_are_one_answer():
    """Oldest first for people; the cursor goes with the same Regions."""
    later = {**EVENT, "time": "2026-11-24T13:00:00Z", "name": "DescribeVpcs"}
    parts = [
        {**PART, "items": [later], "complete": False, "next": "on ward"},
        {**PART, "regions": ["us-west-2"]},
    ]
    result, paths = activity(parts, "--region", "us-west-2")
    assert result.exit_code == 0, result.output
    assert result.output.index("DescribeInstances") < result.output.index("DescribeVpcs")
    assert "Looked at: us-east-1, us-west-2." in result.output
    assert "More may come" not in result.output
    assert paths[0].endswith("/activity?limit=200&region=us-west-2")
    assert paths[1].endswith("/activity?limit=200&cursor=on+ward&region=us-west-2")


def test_what_one_part_could_not_see_the_whole_has_not_seen():
    """The last part alone may call itself complete."""
    unseen = [{"region": "us-west-2", "reason": "refused"}]
    parts = [{**PART, "unseen_regions": unseen, "next": "on"}, PART]
    result, _ = activity(parts)
    assert "Not looked at: us-west-2 (refused)." in result.output
    assert "More may come" in result.output


def test_text_of_others_is_no_markup():
    """An event's name may be anything; it must not colour, hide or link."""
    strange = {**EVENT, "name": "[red]x[/red]", "marked": True}
    result, _ = activity([{**PART, "items": [strange]}])
    assert "[red]x[/red]" in result.output
    assert "1 marked with !" in result.output


@pytest.mark.parametrize("part", [None, [], {}, {**PART, "items": [{}]}, {**PART, "next": 7}])
def test_something_else_is_no_activity(part):
    """Also where only the marked ones are asked for."""
    for options in ((), ("--marked",), ("--json",)):
        result, _ = activity([part], *options)
        assert result.exit_code == 1
        assert "does not answer like a broker" in result.output
