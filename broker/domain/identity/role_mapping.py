"""Which groups of the organisation's OpenID provider have which roles here, and in which accounts.

The mapping is a TOML file: a table for each group, with `roles` and, where they hold in some
accounts only, `accounts`. It is read as a whole and refused with everything that is wrong with it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Role

_MEMBERS = frozenset({"roles", "accounts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """What one group gives. Without accounts its roles hold everywhere."""

    roles: frozenset[Role]
    account_ids: frozenset[AccountId] = frozenset()


class NoStanding(StrEnum):
    """Why somebody whom the provider knows may do nothing here."""

    NO_ROLE = "no_role"
    """None of their groups has a role."""
    ROLES_CONFLICT = "roles_conflict"
    """Their groups give different roles in different accounts, which no one caller can hold."""


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """The groups that have roles here, by their names at the provider."""

    groups: Mapping[str, Entitlement]

    def standing(self, groups: Iterable[str]) -> Entitlement | NoStanding:
        """What the members of all `groups` together may do: never more than one of them gives.

        Roles and accounts of a caller hold for each other, so the sum of two groups counts only
        where it is of that form. An engineer of one account who is an auditor of another would
        become an engineer of both.
        """
        given = [self.groups[group] for group in groups if group in self.groups]
        if not given:
            return NoStanding.NO_ROLE
        roles = frozenset[Role]().union(*(each.roles for each in given))
        reaches = {_reach(role, given) for role in roles}
        if len(reaches) > 1:
            return NoStanding.ROLES_CONFLICT
        return Entitlement(roles=roles, account_ids=reaches.pop())


def _reach(role: Role, given: Iterable[Entitlement]) -> frozenset[AccountId]:
    """Where the role holds; empty is everywhere."""
    bounds = [each.account_ids for each in given if role in each.roles]
    return frozenset[AccountId]().union(*bounds) if all(bounds) else frozenset()


class FaultyMapping(Exception):
    """A text is no role mapping; `problems` are all of its faults, a sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def read_role_mapping(text: str) -> RoleMapping:
    """The mapping that `text` holds. Raises FaultyMapping with every problem."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise FaultyMapping([f"is not TOML: {e}"]) from e
    reading = _Reading()
    mapping = reading.document(document)
    if reading.problems:
        raise FaultyMapping(reading.problems)
    return mapping


@dataclass(slots=True)
class _Reading:
    """Reads on after a fault, so that whoever mends the file learns of all of them at once."""

    problems: list[str] = field(default_factory=list)

    def document(self, document: Mapping[str, object]) -> RoleMapping:
        self._only_known(document, frozenset({"groups"}), where="the file")
        groups = document.get("groups")
        if not isinstance(groups, dict) or not groups:
            self.problems.append("names no group: write a table [groups.<name>] for each")
            return RoleMapping({})
        return RoleMapping({name: self._entitlement(name, groups[name]) for name in groups})

    def _entitlement(self, group: str, given: object) -> Entitlement:
        where = f"group {group!r}"
        if not group.strip():
            self.problems.append("a group has an empty name")
        if not isinstance(given, dict):
            self.problems.append(f"{where} must be a table with roles")
            return Entitlement(roles=frozenset())
        self._only_known(given, _MEMBERS, where=where)
        roles = self._roles(given.get("roles"), where)
        account_ids = self._accounts(given.get("accounts"), where)
        if Role.CUSTOMER in roles and not account_ids:
            self.problems.append(
                f"{where} has the role customer and no accounts: a customer sees only those named"
            )
        return Entitlement(roles=roles, account_ids=account_ids)

    def _only_known(self, given: Mapping[str, object], known: frozenset[str], where: str) -> None:
        self.problems.extend(
            f"{where} has an unknown member {name!r}: it may have {', '.join(sorted(known))}"
            for name in sorted(given.keys() - known)
        )

    def _roles(self, given: object, where: str) -> frozenset[Role]:
        names = self._strings(given, f"{where}: roles")
        if given == []:
            self.problems.append(f"{where} has no roles: leave the group out instead")
        known = {role.value for role in Role}
        for name in names:
            if name not in known:
                listed = ", ".join(sorted(known))
                self.problems.append(f"{where} has an unknown role {name!r}: there are {listed}")
        return frozenset(Role(name) for name in names if name in known)

    def _accounts(self, given: object, where: str) -> frozenset[AccountId]:
        if given is None:
            return frozenset()
        if given == []:
            # As an empty bound it would be no bound at all, the opposite of what it looks like.
            self.problems.append(
                f"{where} has an empty list of accounts: leave it out, or name one"
            )
        account_ids = set()
        for name in self._strings(given, f"{where}: accounts"):
            try:
                account_ids.add(AccountId.parse(name))
            except ValueError as e:
                self.problems.append(f"{where}: account {name!r} {e}")
        return frozenset(account_ids)

    def _strings(self, given: object, where: str) -> list[str]:
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            self.problems.append(f"{where} must be a list of strings")
            return []
        repeated = sorted({each for each in given if given.count(each) > 1})
        self.problems.extend(f"{where} names {each!r} twice" for each in repeated)
        return given
