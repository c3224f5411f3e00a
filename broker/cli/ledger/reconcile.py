"""`broker ledger reconcile`: the customer's CloudTrail against the ledger, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import click

from broker.cli.answers.rows import print_lines
from broker.cli.asking import Target, calls_the_broker, tell
from broker.cli.failures import ExitCode
from broker.cli.grammar.parsed import Parsed
from broker.cli.progress import waiting
from broker.contract.trail import (
    ExchangeAnswer,
    ReconciliationAnswer,
    ReconciliationBody,
    RegionAnswer,
)
from broker.domain.identifiers import AccountId
from broker.domain.times import rfc3339
from broker.domain.trail.reconciliations import Sight, Verdict

_EXIT_CODES = (
    "Exit codes: 0 both agree, 1 failed, incomplete, or a session that CloudTrail does not show, "
    "2 wrong usage, 3 refused, or a session that the ledger does not know."
)


class _Moment(click.ParamType[datetime]):
    """A time that says in which zone it is."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The time, or what is wrong with it."""
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail("It must be a time like 2026-11-24T12:00:00Z.", param, ctx)
        if moment.tzinfo is None:
            self.fail("It must say its zone, like 2026-11-24T12:00:00Z.", param, ctx)
        return moment


@click.command(epilog=_EXIT_CODES)
@click.option("--account", required=True, type=Parsed(AccountId, "account"), help="Whose.")
@click.option(
    "--days",
    type=click.IntRange(1, 90),
    default=1,
    show_default=True,
    help="How far back, where --from is not given.",
)
@click.option("--from", "since", type=_Moment(), help="From when on; at most 90 days ago.")
@click.option("--to", "until", type=_Moment(), help="Until when; by default now.")
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION",
    help="Look only there, and in the two usual Regions; may be given again. By default "
    "everywhere: who forges a token chooses the Region too.",
)
@calls_the_broker
@click.pass_context
def reconcile(
    ctx: click.Context,
    *,
    account: AccountId,
    days: int,
    since: datetime | None,
    until: datetime | None,
    regions: tuple[str, ...],
    target: Target,
    as_json: bool,
) -> None:
    """Compare who was let into the support roles with who the ledger says was.

    A session in CloudTrail that the ledger does not know is an alarm: somebody got in, or tried
    to, behind the broker's back.

    \b
      broker ledger reconcile --account 111122223333
      broker ledger reconcile --account 111122223333 --days 30 --json
    """
    begin = since or _days_before(until, days)
    body = ReconciliationBody.model_validate({"from": begin, "to": until, "regions": list(regions)})
    with target.broker() as broker, waiting(f"Reading the trail of {account} …"):
        answer = broker.reconcile_ledger(account, body)
    tell(answer, _print, as_json=as_json)
    ctx.exit(_exit_code(answer))


def _exit_code(told: ReconciliationAnswer) -> ExitCode:
    """What is listed counts before what it is called."""
    if told.unknown:
        return ExitCode.REFUSED
    return ExitCode.OK if told.verdict is Verdict.AGREES else ExitCode.FAILED


def _days_before(until: datetime | None, days: int) -> datetime:
    # A minute less: the broker's clock may be ahead, and 90 days are all that CloudTrail shows.
    return (until or datetime.now(UTC)) - timedelta(days=days) + timedelta(minutes=1)


def _print(shown: ReconciliationAnswer) -> None:
    print_lines(_lines(shown))


def _lines(shown: ReconciliationAnswer) -> Iterable[str]:
    yield f"{shown.matched} in CloudTrail and in the ledger."
    if shown.unfinished:
        yield f"{len(shown.unfinished)} that the broker asked for without noting an outcome:"
        yield from map(_exchange, shown.unfinished)
    if shown.unknown:
        yield f"ALARM: {len(shown.unknown)} in CloudTrail that the ledger does not know:"
        yield from map(_exchange, shown.unknown)
    if shown.missing:
        yield f"{len(shown.missing)} in the ledger that CloudTrail does not show:"
        yield from (
            f"  {rfc3339(one.at)}  {one.session_id}  {one.role_session_name}  {one.access_key_id}"
            for one in shown.missing
        )
    yield from _coverage(shown.regions)
    yield f"Settled until {rfc3339(shown.settled_until)}. {shown.delay_note}"
    if shown.verdict is Verdict.AGREES:
        yield "Both agree."


def _exchange(one: ExchangeAnswer) -> str:
    outcome = f"key {one.issued_key_id}" if one.issued_key_id else f"refused, {one.error_code}"
    role = one.role_arn.rpartition("/")[2]
    parts = (
        rfc3339(one.time),
        one.region,
        one.source_ip,
        role,
        one.session_name,
        outcome,
        one.event_id,
    )
    return "  " + "  ".join(part or "-" for part in parts)


def _coverage(regions: Sequence[RegionAnswer]) -> Iterable[str]:
    whole = [one.region for one in regions if one.sight is Sight.WHOLE]
    yield f"Looked at {len(whole)} of {len(regions)} Regions."
    for one in regions:
        if one.sight is Sight.PART and one.back_to is not None:
            back_to = rfc3339(one.back_to)
            yield f"  {one.region}: only back to {back_to}; go on with --to {back_to}."
        elif one.sight is Sight.REFUSED:
            yield f"  {one.region}: the account does not let its read role look."
