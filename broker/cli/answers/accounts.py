"""Accounts as `broker accounts` prints them, for people."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from broker.cli.rows import print_rows
from broker.contract.accounts import AccountAnswer, AccountPage, PlanAnswer
from broker.domain.times import rfc3339


def print_account(account: AccountAnswer) -> None:
    """One member a line, and no line for what there is not."""
    members = (
        ("Account", account.account_id),
        ("Customer", account.customer),
        ("State", account.state),
        ("Hindered by", account.last_error),
        ("Consent", account.consent),
        ("Profile", _profile(account)),
        ("Issuer", account.issuer),
        ("ExternalId", account.external_id),
        ("Bucket", account.checkpoint_bucket),
        ("Not copied", account.checkpoint_error),
        ("Looked at next", account.next_check_at and rfc3339(account.next_check_at)),
        ("Registered", rfc3339(account.created_at)),
        *((f"Key, {key.state}", f"{key.kid} ({key.algorithm})") for key in account.keys),
        ("Launch link", account.launch_url),
    )
    width = max(len(name) for name, _ in members)
    console = _console()
    for name, value in members:
        if value:
            console.print(Text.assemble((f"{name:<{width}}  ", "dim"), value))


def print_accounts(page: AccountPage) -> None:
    """A table, one account a row."""
    if not page.items:
        _console().print(Text("There is no such account."))
        return
    print_rows(
        ("Account", "Customer", "State", "Consent", "Profile", "Hindered by"),
        [
            (
                account.account_id,
                account.customer,
                account.state,
                account.consent,
                _profile(account),
                account.last_error or "",
            )
            for account in page.items
        ],
    )


def print_plan(plan: PlanAnswer) -> None:
    """One step a line, in order, with its reason."""
    console = _console()
    if not plan.steps:
        console.print(Text("Nothing is to be done: the account is as it should be."))
    for number, step in enumerate(plan.steps, start=1):
        console.print(Text.assemble(f"{number:>3}  {step.step}  ", (f"({step.why})", "dim")))


def _profile(account: AccountAnswer) -> str:
    return f"{account.profile}, payer" if account.payer else account.profile


def _console() -> Console:
    """Lines are not folded: a launch link must stay whole to be clicked or copied."""
    return Console(soft_wrap=True, highlight=False)
