"""The client as a whole."""

from __future__ import annotations

from broker.client.accounts import Accounts
from broker.client.api_tokens import ApiTokens
from broker.client.console import Console
from broker.client.diagnoses import Diagnoses
from broker.client.grants import Grants
from broker.client.ledger import Ledger
from broker.client.me import Me
from broker.client.revocations import Revocations
from broker.client.sessions import Sessions
from broker.client.sign_in import SignIn
from broker.client.tickets import Tickets
from broker.client.trails import Trails


class Broker(
    Accounts,
    Diagnoses,
    Tickets,
    Grants,
    Sessions,
    Console,
    Revocations,
    Ledger,
    Trails,
    ApiTokens,
    Me,
    SignIn,
):
    """A broker's HTTP API, as one caller may use it; each operation under its name in OpenAPI.

        with Broker("https://broker.example.com", api_token) as broker:
            print(broker.show_self().roles)

    A context manager that closes its connections. Its methods raise ClientError.
    """
