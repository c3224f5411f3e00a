"""`python -m benchmarks`: run the comparisons and print their ratios.

A missed goal is a finding, not a failure: the exit status is 1 only if something did not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import click
from rich.console import Console

from benchmarks import issuer_documents, ledger, long_ledger, minting, report, sessions, two_clicks
from benchmarks.comparison import BenchmarkFailed, Comparison

BENCHMARKS: Mapping[str, Callable[[int], Iterator[Comparison]]] = {
    "minting": minting.run,
    "sessions": sessions.run,
    "issuer-documents": issuer_documents.run,
    "ledger": ledger.run,
    "long-ledger": long_ledger.run,
    "two-clicks": two_clicks.run,
}

_WIDTH = 112
"""Columns of the report, so that no row of it is broken."""


@click.command()
@click.option("--only", type=click.Choice(list(BENCHMARKS)), multiple=True, help="Run only this.")
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=9,
    show_default=True,
    help="How often both sides are measured in turns.",
)
@click.option("--json", "is_json", is_flag=True, help="Print every round's figures as JSON.")
def main(only: tuple[str, ...], rounds: int, *, is_json: bool) -> None:
    """Measure the broker beside the least that could do the same, in turns, as ratios."""
    console = Console(stderr=is_json, width=_WIDTH)
    measured: list[Comparison] = []
    failed = False
    for name in only or BENCHMARKS:
        console.print(f"measuring {name} …", style="dim")
        try:
            measured += BENCHMARKS[name](rounds)
        except BenchmarkFailed as e:
            failed = True
            console.print(f"{name} did not run: {e}", style="red", markup=False)
    if is_json:
        click.echo(report.as_json(measured))
    else:
        console.print(report.table(measured))
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
