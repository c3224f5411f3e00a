"""Customers' accounts."""

from __future__ import annotations

from broker import contract
from broker.client.connection import Connection
from broker.domain.identifiers import AccountId


class Accounts(Connection):
    """Customers' accounts."""

    def register_account(
        self, body: contract.accounts.AccountBody
    ) -> contract.accounts.AccountAnswer:
        """Register a customer's account: it gets an issuer, keys and a link to launch the stack."""
        return self._ask("POST", ("accounts",), answer=contract.accounts.AccountAnswer, body=body)

    def list_accounts(self, query: contract.base.ListQuery) -> contract.accounts.AccountPage:
        """List the accounts that the caller may see."""
        return self._ask("GET", ("accounts",), answer=contract.accounts.AccountPage, query=query)

    def show_account(self, account_id: AccountId) -> contract.accounts.AccountAnswer:
        """Show one account; the ETag is what a change may name in If-Match."""
        return self._ask("GET", ("accounts", account_id), answer=contract.accounts.AccountAnswer)

    def change_account(
        self, account_id: AccountId, body: contract.accounts.AccountPatch
    ) -> contract.accounts.AccountAnswer:
        """Change consent and bucket (customers) or profile and payer (vendor); honours If-Match."""
        return self._ask(
            "PATCH", ("accounts", account_id), answer=contract.accounts.AccountAnswer, body=body
        )

    def reconcile_account(self, account_id: AccountId) -> contract.accounts.AccountAnswer:
        """Bring the account to what is wanted, and prove it; `last_error` says what hinders."""
        return self._ask(
            "POST",
            ("accounts", account_id, "reconciliation"),
            answer=contract.accounts.AccountAnswer,
        )

    def revoke_account(self, account_id: AccountId) -> contract.accounts.AccountAnswer:
        """End every grant and every live session of the account, at once."""
        return self._ask(
            "POST", ("accounts", account_id, "revocation"), answer=contract.accounts.AccountAnswer
        )

    def rotate_keys(
        self, account_id: AccountId, body: contract.accounts.KeyRotationBody
    ) -> contract.accounts.AccountAnswer:
        """Let the next key sign: when AWS knows it, or, in an emergency, at once.

        An emergency also drops every key that has signed and ends every live session."""
        return self._ask(
            "POST",
            ("accounts", account_id, "key-rotation"),
            answer=contract.accounts.AccountAnswer,
            body=body,
        )

    def remove_account(self, account_id: AccountId) -> contract.accounts.AccountAnswer:
        """Start the removal: no session opens from now on, and nothing of ours stays there."""
        return self._ask("DELETE", ("accounts", account_id), answer=contract.accounts.AccountAnswer)

    def plan_account(self, account_id: AccountId) -> contract.accounts.PlanAnswer:
        """Show what a reconciliation would do now and why, without doing it."""
        return self._ask(
            "GET", ("accounts", account_id, "plan"), answer=contract.accounts.PlanAnswer
        )

    def prove_account(self, account_id: AccountId) -> contract.proofs.ProofAnswer:
        """Prove what the support roles may do, action by action, from what is attached now."""
        return self._ask(
            "GET", ("accounts", account_id, "proof"), answer=contract.proofs.ProofAnswer
        )
