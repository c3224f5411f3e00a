"""What an operator may ask of webhooks: who is told, how that goes, and whether the way is open."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from broker.domain.webhooks.delivery import Outage, Receipt, WebhookCursors, WebhookSender
from broker.domain.webhooks.endpoints import Endpoint, Endpoints
from broker.domain.webhooks.events import test_body
from broker.domain.webhooks.signature import signed_headers
from broker.errors import NotFound
from broker.services.ambient import Clock
from broker.services.calls import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStanding:
    """An endpoint, and since when it takes nothing, if that is so."""

    endpoint: Endpoint
    outage: Outage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """Looks at endpoints, and tries them."""

    endpoints: Endpoints
    cursors: WebhookCursors
    sender: WebhookSender
    clock: Clock

    def standings(self) -> Sequence[EndpointStanding]:
        """Every endpoint. Raises StoreUnavailable."""
        return [
            EndpointStanding(endpoint=endpoint, outage=self.cursors.outage(endpoint.name))
            for endpoint in self.endpoints
        ]

    def test(self, name: str, call: Call) -> Receipt:
        """What the endpoint makes of a signed event of the type `webhook.test`, once, now.

        Raises NotFound.
        """
        endpoint = self.endpoints.named(name)
        if endpoint is None:
            raise NotFound("No such webhook endpoint is configured.")
        now = self.clock()
        test_id = f"test-{secrets.token_hex(8)}"
        body = test_body(test_id=test_id, at=now, actor=call.caller.subject)
        headers = signed_headers(body, message_id=test_id, at=now, secrets=endpoint.secrets)
        return self.sender.send(endpoint, body, headers)
