"""From whom the provider knows to who may do what here: the role mapping, asked at each request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from broker.domain.identifiers import EngineerId
from broker.domain.identity.permissions import Caller, EstablishedBy
from broker.domain.identity.role_mapping import NoStanding, RoleMapping
from broker.errors import AccessDenied
from broker.services.identity.authentication import TurnedAway

_SENTENCES = {
    NoStanding.NO_ROLE: "None of your groups has a role here. Ask whoever runs the broker for one.",
    NoStanding.ROLES_CONFLICT: (
        "Your groups have different roles in different accounts, which cannot hold together. "
        "Ask whoever runs the broker to change that."
    ),
}


@dataclass(frozen=True, slots=True)
class People:
    """People as the provider and the role mapping have them."""

    mapping: RoleMapping

    def caller(
        self,
        subject: EngineerId,
        groups: Iterable[str],
        *,
        established_by: EstablishedBy,
        until: datetime,
    ) -> Caller:
        """The caller that `subject` is. Raises TurnedAway where their groups give them nothing."""
        standing = self.mapping.standing(groups)
        if isinstance(standing, NoStanding):
            raise TurnedAway(
                subject,
                standing.value,
                answer=AccessDenied(_SENTENCES[standing], extra={"reason": standing.value}),
            )
        return Caller(
            subject=subject,
            roles=standing.roles,
            account_ids=standing.account_ids,
            established_by=established_by,
            until=until,
        )
