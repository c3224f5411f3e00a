"""The model of `/v1/me`."""

from __future__ import annotations

from broker.domain.identifiers import AccountId
from broker.domain.permissions import Action, Caller, Role, may_ever
from broker.web.schemas.base import Answer


class SelfAnswer(Answer):
    """Who is calling, and what the caller's roles may do."""

    subject: str
    roles: list[Role]
    account_ids: list[AccountId]
    actions: list[Action]

    @classmethod
    def of(cls, caller: Caller) -> SelfAnswer:
        """The answer for `caller`."""
        return cls(
            subject=caller.subject,
            roles=sorted(caller.roles),
            account_ids=sorted(caller.account_ids),
            actions=[action for action in Action if may_ever(caller, action)],
        )
