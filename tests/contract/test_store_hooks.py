"""CloudFormation's requests come back as they were written."""

from __future__ import annotations

from datetime import timedelta

from broker.domain.hooks.records import HookAnswer, HookStatus
from broker.domain.ports import Versioned
from broker.store import Store
from tests.contract.store_samples import NOW, a_hook, write


def test_a_request_that_was_just_received_comes_back(store: Store) -> None:
    hook = a_hook()
    write(store, hook)
    assert store.hooks.get(hook.hook_id) == Versioned(hook, 1)


def test_a_request_that_was_answered_comes_back(store: Store) -> None:
    answer = HookAnswer(
        status=HookStatus.SUCCESS, reason="The roles stand.", data={"Issuer": "https://example"}
    )
    hook = a_hook(
        physical_resource_id="broker-hook",
        template_version="1",
        response_url=None,
        next_try_at=None,
        attempts=2,
        answer=answer,
        delivered_at=NOW + timedelta(minutes=1),
    )
    write(store, a_hook())
    write(store, hook, expected=1)
    assert store.hooks.get(hook.hook_id) == Versioned(hook, 2)


def test_an_unknown_request_is_none(store: Store) -> None:
    assert store.hooks.get("0" * 32) is None
