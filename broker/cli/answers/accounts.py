"""Accounts as `broker accounts` prints them, for people."""

from __future__ import annotations

from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from broker.cli.rows import print_rows


class KeyShown(BaseModel):
    """A signing key, as much as is shown."""

    kid: str
    state: str
    algorithm: str
    created_at: str


class AccountShown(BaseModel):
    """An account, as much as is shown; `--json` prints the whole answer."""

    account_id: str
    customer: str
    payer: bool
    profile: str
    consent: str
    state: str
    issuer: str
    external_id: str | None
    launch_url: str | None
    last_error: str | None
    checkpoint_bucket: str | None
    checkpoint_error: str | None
    next_check_at: str | None
    created_at: str
    keys: list[KeyShown]


class AccountsShown(BaseModel):
    """All accounts that were listed."""

    items: list[AccountShown]


class StepShown(BaseModel):
    """One step of a plan."""

    step: str
    why: str


class PlanShown(BaseModel):
    """What would be done."""

    steps: list[StepShown]


def print_account(account: AccountShown) -> None:
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
        ("Looked at next", account.next_check_at),
        ("Registered", account.created_at),
        *((f"Key, {key.state}", f"{key.kid} ({key.algorithm})") for key in account.keys),
        ("Launch link", account.launch_url),
    )
    width = max(len(name) for name, _ in members)
    console = _console()
    for name, value in members:
        if value:
            console.print(Text.assemble((f"{name:<{width}}  ", "dim"), value))


def print_accounts(page: AccountsShown) -> None:
    """A table, one account a row."""
    if not page.items:
        _console().print(Text("No account is registered."))
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


def print_plan(plan: PlanShown) -> None:
    """One step a line, in order, with its reason."""
    console = _console()
    if not plan.steps:
        console.print(Text("Nothing is to be done: the account is as it should be."))
    for number, step in enumerate(plan.steps, start=1):
        console.print(Text.assemble(f"{number:>3}  {step.step}  ", (f"({step.why})", "dim")))


def _profile(account: AccountShown) -> str:
    return f"{account.profile}, payer" if account.payer else account.profile


def _console() -> Console:
    """Lines are not folded: a launch link must stay whole to be clicked or copied."""
    return Console(soft_wrap=True, highlight=False)
