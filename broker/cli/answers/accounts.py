"""Accounts as `broker accounts` prints them, for people."""

from __future__ import annotations

from broker.cli.answers.rows import print_lines, print_members, print_rows
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
        ("Looked at next", rfc3339(account.next_check_at) if account.next_check_at else None),
        ("Registered", rfc3339(account.created_at)),
        *((f"Key, {key.state}", f"{key.kid} ({key.algorithm})") for key in account.keys),
        ("Launch link", account.launch_url),
    )
    print_members(members)


def print_accounts(page: AccountPage) -> None:
    """A table, one account a row."""
    if not page.items:
        print_lines(["There is no such account."])
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
    if not plan.steps:
        print_lines(["Nothing is to be done: the account is as it should be."])
    print_lines(
        f"{number:>3}  {step.step}  ({step.why})" for number, step in enumerate(plan.steps, start=1)
    )


def _profile(account: AccountAnswer) -> str:
    return f"{account.profile}, payer" if account.payer else account.profile
