"""A proof of what the support roles of an account may really do, and how two proofs compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from broker.domain.accounts import Profile
from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import digest
from broker.domain.proofs.action_catalogue import AccessLevel
from broker.domain.times import Timestamp, rfc3339

SCHEMA: Final = 1

READING = (AccessLevel.LIST, AccessLevel.READ)
"""The access levels that change nothing."""


class Verdict(StrEnum):
    """What a proof comes to."""

    READ_ONLY = "read_only"
    """Nothing above reading but support cases, and no promise broken."""
    VIOLATED = "violated"
    UNPROVEN = "unproven"
    """Something could not be read or was not there: a check that could not run is no pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleProof:
    """What one role may do.

    `actions` are all effective ones by access level. `unknown` are names and patterns that mean
    nothing in the catalogue. `broken_promises` are effective actions that the profile promises to
    deny; `partly_denied` says which denials hold only sometimes and so were not counted.
    `violations` and `unproven` are the reasons for a bad verdict, as sentences.
    """

    role: str
    actions: Mapping[AccessLevel, tuple[str, ...]]
    unknown: tuple[str, ...] = ()
    broken_promises: tuple[str, ...] = ()
    partly_denied: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[AccessLevel, int]:
        """How many actions there are of each level, the policies' unknown ones included."""
        known = {level: len(self.actions.get(level, ())) for level in AccessLevel}
        return {**known, AccessLevel.UNKNOWN: known[AccessLevel.UNKNOWN] + len(self.unknown)}

    @property
    def above_reading(self) -> tuple[str, ...]:
        """Every effective action that is neither Read nor List."""
        above = [each for level in AccessLevel if level not in READING for each in self._of(level)]
        return tuple(sorted(above))

    def _of(self, level: AccessLevel) -> tuple[str, ...]:
        return self.actions.get(level, ())

    def by_action(self) -> Mapping[str, AccessLevel]:
        """The access level of each effective action."""
        known = {action: level for level, actions in self.actions.items() for action in actions}
        return {**known, **dict.fromkeys(self.unknown, AccessLevel.UNKNOWN)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the support roles of an account may do at one time.

    `findings` tell how the account differs from what is wanted there, whether that matters or not.
    """

    account_id: AccountId
    profile: Profile
    made_at: Timestamp
    catalogue_version: str
    catalogue_updated_at: Timestamp
    roles: tuple[RoleProof, ...]
    findings: tuple[str, ...] = ()
    schema: int = SCHEMA

    @property
    def verdict(self) -> Verdict:
        """What it comes to; a violation weighs more than a doubt."""
        if any(role.violations for role in self.roles):
            return Verdict.VIOLATED
        doubtful = not self.roles or any(role.unproven for role in self.roles)
        return Verdict.UNPROVEN if doubtful else Verdict.READ_ONLY

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the verdict is not a good one, as sentences."""
        if not self.roles:
            return ("There is no support role in the account, so there is nothing to prove.",)
        return tuple(reason for role in self.roles for reason in (*role.violations, *role.unproven))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form of all but the time: equal for what is equal."""
        return digest(
            {
                "schema": self.schema,
                "account_id": self.account_id,
                "profile": self.profile.value,
                "catalogue_version": self.catalogue_version,
                "catalogue_updated_at": rfc3339(self.catalogue_updated_at),
                "verdict": self.verdict.value,
                "findings": list(self.findings),
                "roles": [_plain(role) for role in self.roles],
            }
        )


def _plain(role: RoleProof) -> dict[str, object]:
    return {
        "role": role.role,
        "actions": {level.value: list(actions) for level, actions in role.actions.items()},
        "unknown": list(role.unknown),
        "broken_promises": list(role.broken_promises),
        "partly_denied": list(role.partly_denied),
        "violations": list(role.violations),
        "unproven": list(role.unproven),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    """How one role differs between two proofs; a role that is new gained all that it may do."""

    role: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    reclassified: tuple[str, ...]
    """Actions that the two catalogues class differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofChange:
    """How two proofs of one account differ; `roles` are those that do."""

    verdicts: tuple[Verdict, Verdict]
    catalogues: tuple[str, str]
    roles: tuple[RoleChange, ...]
    same: bool
    """Whether everything but the time is equal, findings included."""


def compare(old: Proof, new: Proof) -> ProofChange:
    """What changed from `old` to `new`. Raises ValueError for proofs of two accounts."""
    if old.account_id != new.account_id:
        raise ValueError(f"the proofs are of {old.account_id} and {new.account_id}")
    before, after = _by_role(old.roles), _by_role(new.roles)
    changes = [
        _role_change(role, before.get(role, {}), after.get(role, {}))
        for role in sorted({*before, *after})
    ]
    return ProofChange(
        verdicts=(old.verdict, new.verdict),
        catalogues=(old.catalogue_version, new.catalogue_version),
        roles=tuple(each for each in changes if each.gained or each.lost or each.reclassified),
        same=old.digest == new.digest,
    )


def _by_role(roles: Sequence[RoleProof]) -> Mapping[str, Mapping[str, AccessLevel]]:
    return {role.role: role.by_action() for role in roles}


def _role_change(
    role: str, before: Mapping[str, AccessLevel], after: Mapping[str, AccessLevel]
) -> RoleChange:
    in_both = before.keys() & after.keys()
    return RoleChange(
        role=role,
        gained=tuple(sorted(after.keys() - before.keys())),
        lost=tuple(sorted(before.keys() - after.keys())),
        reclassified=tuple(sorted(each for each in in_both if before[each] is not after[each])),
    )
