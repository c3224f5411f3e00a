"""What is written down, and what AWS has seen."""

from __future__ import annotations

from broker.contract.ledger import (
    CheckpointAnswer,
    CheckpointBody,
    ExportQuery,
    LedgerEntryAnswer,
    LedgerPage,
)
from broker.contract.trail import (
    DELAY_NOTE,
    ActivityPage,
    ActivityQuery,
    ReconciliationAnswer,
    ReconciliationBody,
    RegionAnswer,
    TrailEventAnswer,
)
from broker.domain.ledger.entries import Event, Head, LedgerAction, Outcome, chain_of, seal
from broker.domain.ledger.lines import Ending
from broker.domain.trail.reconciliations import Sight, Verdict
from broker.web.examples import world

_ENTRY = seal(
    Event(
        actor=world.ENGINEER,
        action=LedgerAction.SESSION_OPENED,
        outcome=Outcome.DONE,
        ids={"session_id": world.SESSION, "ticket_id": world.TICKET, "grant_id": world.GRANT},
        details={"access": "read", "duration_seconds": 3600},
    ),
    chain=chain_of(world.ACCOUNT),
    head=Head(),
    at=world.at(14, 5),
)
LEDGER = LedgerPage(items=[LedgerEntryAnswer.of(_ENTRY)], next=None)
EXPORT_WANTED = ExportQuery(account_id=world.ACCOUNT)
_END = Ending(chain=_ENTRY.chain, seq=_ENTRY.seq, hash=_ENTRY.hash, entries=1, checkpoints=0)
EXPORTED = (_ENTRY.line() + b"\n" + _END.line()).decode()

SIGNING = CheckpointBody(account_id=world.ACCOUNT)
SIGNED = CheckpointAnswer(
    account_id=world.ACCOUNT,
    seq=_ENTRY.seq,
    hash=_ENTRY.hash,
    issuer=world.ISSUER,
    kid=world.KID,
    signed_at=world.at(14, 30),
    checkpoint="eyJhbGciOiJFUzI1NiJ9.eyJleGFtcGxlIjp0cnVlfQ.EXAMPLE",
)

ACTIVITY_WANTED = ActivityQuery(region="eu-central-1")
ACTIVITY = ActivityPage(
    items=[
        TrailEventAnswer(
            event_id="5f0c2e9a-3d7b-4c1e-9a55-1b8f6e2d7c40",
            time=world.at(14, 7),
            name="DescribeInstances",
            source="ec2.amazonaws.com",
            region="eu-central-1",
            read_only=True,
            marked=False,
            error_code=None,
            source_ip="203.0.113.7",
            user_name=world.ROLE_SESSION_NAME,
            access_key_id=world.ACCESS_KEY_ID,
            resources=[],
        )
    ],
    regions=["us-east-1", "eu-central-1"],
    unseen_regions=[],
    complete=False,
    delay_note=DELAY_NOTE,
    next=None,
)
COMPARISON_WANTED = ReconciliationBody.model_validate(
    {"from": world.at(0, 0), "to": world.at(14, 0)}
)
COMPARISON = ReconciliationAnswer.model_validate(
    {
        "account_id": world.ACCOUNT,
        "verdict": Verdict.AGREES,
        "from": world.at(0, 0),
        "to": world.at(14, 0),
        "settled_until": world.at(13, 45),
        "delay_note": DELAY_NOTE,
        "complete": True,
        "regions": [RegionAnswer(region="us-east-1", sight=Sight.WHOLE, back_to=None)],
        "matched": 3,
        "unfinished": [],
        "unknown": [],
        "missing": [],
    }
)

EXAMPLES = (
    LEDGER,
    EXPORT_WANTED,
    SIGNING,
    SIGNED,
    ACTIVITY_WANTED,
    ACTIVITY,
    COMPARISON_WANTED,
    COMPARISON,
)
