"""Where people sign in."""

from __future__ import annotations

from broker import contract
from broker.client.connection import Connection


class SignIn(Connection):
    """Where people sign in; to be asked without a credential."""

    def show_sign_in(self) -> contract.sign_in.SignInAnswer:
        """Show where people sign in from a terminal."""
        return self._ask("GET", ("sign-in",), answer=contract.sign_in.SignInAnswer)
