"""`/v1/me`: who the caller is."""

from __future__ import annotations

from broker.contract.me import SelfAnswer
from broker.services.calls import Call
from broker.web.endpoints import Api
from broker.wiring import Services

api = Api("me")


@api.endpoint("GET", "/v1/me", answer=SelfAnswer)
def show_self(services: Services, call: Call) -> SelfAnswer:  # noqa: ARG001 - a view's signature
    """Show who is calling and what the caller's roles may do."""
    return SelfAnswer.of(call)
