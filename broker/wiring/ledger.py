"""What signs ledgers, takes them along, and archives them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from broker.aws.checkpoint_buckets import S3CheckpointBuckets
from broker.services.ambient import utc_now
from broker.services.ledger.archiving import Archiving
from broker.services.ledger.checkpoint_copying import CheckpointCopying
from broker.services.ledger.export import LedgerExport
from broker.services.ledger.lines import LedgerLines
from broker.services.ledger.signing import LedgerSigning
from broker.services.ledger.timeline import Timeline
from broker.wiring.foundation import Foundation


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Everything that is done with a ledger but writing it, and reading it from the beginning."""

    archiving: Archiving
    export: LedgerExport
    signing: LedgerSigning
    timeline: Timeline


def build_ledger(base: Foundation) -> Ledger:
    """All of it, on one foundation."""
    store = base.store
    lines = LedgerLines(journal=store.journal, checkpoints=store.checkpoints)
    return Ledger(
        archiving=Archiving(
            journal=store.journal,
            checkpoints=store.checkpoints,
            lines=lines,
            gate=base.gate,
            clock=utc_now,
        ),
        export=LedgerExport(journal=store.journal, lines=lines, gate=base.gate, clock=utc_now),
        signing=LedgerSigning(
            journal=store.journal,
            accounts=store.accounts,
            checkpoints=store.checkpoints,
            minter=base.minter,
            copying=CheckpointCopying(
                journal=store.journal,
                accounts=store.accounts,
                buckets=S3CheckpointBuckets(base.clients.s3()),
                clock=utc_now,
            ),
            gate=base.gate,
            every=timedelta(hours=base.settings.ledger_checkpoint_hours),
            clock=utc_now,
        ),
        timeline=Timeline(
            journal=store.journal,
            sessions=store.sessions,
            grants=store.grants,
            gate=base.gate,
        ),
    )
