"""`/hooks/sns`: where SNS delivers what customers' stacks publish."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from broker.domain.identity.permissions import Caller
from broker.services.calls import Call
from broker.services.hooks.reception import HookReception

PATH = "/hooks/sns"
MAX_BODY = 256 * 1024
"""Bytes of the largest message that SNS carries."""


def blueprint(reception: HookReception) -> Blueprint:
    """The one address. A message's signature is its authentication, so no bearer is asked for."""
    pages = Blueprint("hooks", __name__)

    @pages.post(PATH)
    def receive() -> Response:
        """Take in one message; the worker does what it asks for."""
        reception.receive(request.get_data(cache=True), _call())
        return Response(status=200)

    return pages


def _call() -> Call:
    """A call of nobody's: what a message may lead to is decided by what it proves."""
    return Call(
        caller=Caller(subject="aws:sns", roles=frozenset()),
        request_id=g.request_id,
        source_address=request.remote_addr or "unknown",
    )
