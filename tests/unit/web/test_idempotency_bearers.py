"""Whose an Idempotency-Key is."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Flask, Response

from broker.domain.identity.permissions import Caller, Role
from broker.domain.ports import Begun, Finished
from broker.services.calls import Call
from broker.web.idempotency import HEADER, Repeats, answer_once

ROLES = frozenset({Role.CONSOLE})


@dataclass
class Kept:
    """An IdempotencyRepository that only notes under which keys it was asked."""

    keys: list[str] = field(default_factory=list)

    def begin(self, key: str, *, fingerprint: str) -> Begun:
        assert fingerprint
        self.keys.append(key)
        return Begun()

    def finish(self, key: str, answer: Finished) -> None:  # noqa: ARG002 - the protocol's name
        assert key == self.keys[-1]

    def abandon(self, key: str) -> None:
        raise AssertionError(key)


def keys_of(*callers: Caller) -> list[str]:
    """What each caller's answer is kept under, where all of them choose the same key."""
    kept = Kept()
    with Flask("test").test_request_context(method="POST", headers={HEADER: "k"}):
        for caller in callers:
            call = Call(caller=caller, request_id="r", source_address="127.0.0.1")
            answer_once(Response, call=call, repeats=Repeats.ANSWERED_AGAIN, kept=kept)
    return kept.keys


def test_nobody_is_taken_for_an_api_token_by_their_name():
    """A provider may let people choose what they are called, and ids of tokens are no secrets."""
    token_id = "0123456789ab"
    token = Caller(subject="console", roles=ROLES, api_token_id=token_id)
    person = Caller(subject=token_id, roles=ROLES)
    first, second, again = keys_of(token, person, token)
    assert first == again
    assert first != second
