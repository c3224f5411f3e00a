"""Groups and roles: what a person's groups give together, and which files are refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import PERMITTED, Action, Caller, Role, permits
from broker.domain.identity.role_mapping import (
    Entitlement,
    FaultyMapping,
    NoStanding,
    RoleMapping,
    read_role_mapping,
)

ONE, TWO = AccountId("111122223333"), AccountId("444455556666")


def entitlement(*roles: Role, accounts: tuple[AccountId, ...] = ()) -> Entitlement:
    """What a group gives."""
    return Entitlement(roles=frozenset(roles), account_ids=frozenset(accounts))


ENTITLEMENTS = st.builds(
    Entitlement,
    roles=st.frozensets(st.sampled_from(Role), min_size=1, max_size=3),
    account_ids=st.frozensets(st.sampled_from([ONE, TWO]), max_size=2),
).filter(lambda each: Role.CUSTOMER not in each.roles or each.account_ids)
"""Whatever a file may give to a group."""


@given(st.lists(ENTITLEMENTS, min_size=1, max_size=4))
def test_groups_together_give_what_they_give_one_by_one(entitlements):
    """For every action in every account: never more than some one group allows, and, where they
    can be held together at all, never less."""
    mapping = RoleMapping({str(number): each for number, each in enumerate(entitlements)})
    standing = mapping.standing(mapping.groups)
    for action, account_id in itertools.product(Action, (ONE, TWO)):
        singly = any(_allows(each, action, account_id) for each in entitlements)
        together = isinstance(standing, Entitlement) and _allows(standing, action, account_id)
        assert not together or singly
        if isinstance(standing, Entitlement):
            assert together == singly


def _allows(given: Entitlement, action: Action, account_id: AccountId) -> bool:
    caller = Caller(subject="jane", roles=given.roles, account_ids=given.account_ids)
    return permits(caller, action, account_id=account_id, engineer="jane", assignees=())


def test_an_account_bound_role_does_not_spread_to_another_groups_account():
    """An engineer of one account who audits another would become an engineer of both."""
    mapping = RoleMapping(
        {
            "a": entitlement(Role.ENGINEER, accounts=(ONE,)),
            "b": entitlement(Role.AUDITOR, accounts=(TWO,)),
        }
    )
    assert mapping.standing(["a", "b"]) is NoStanding.ROLES_CONFLICT
    assert mapping.standing(["a"]) == entitlement(Role.ENGINEER, accounts=(ONE,))


def test_accounts_of_the_same_roles_add_up():
    """Somebody who works for two customers sees both."""
    mapping = RoleMapping(
        {
            "a": entitlement(Role.CUSTOMER, accounts=(ONE,)),
            "b": entitlement(Role.CUSTOMER, accounts=(TWO,)),
        }
    )
    assert mapping.standing(["a", "b"]) == entitlement(Role.CUSTOMER, accounts=(ONE, TWO))


def test_everywhere_is_more_than_somewhere():
    """A role without accounts is not narrowed by the same role with some."""
    mapping = RoleMapping(
        {"a": entitlement(Role.ENGINEER), "b": entitlement(Role.ENGINEER, accounts=(ONE,))}
    )
    assert mapping.standing(["b", "a"]) == entitlement(Role.ENGINEER)


@pytest.mark.parametrize("groups", [[], ["unknown"], ["Support"], ["support "]])
def test_no_group_gives_no_role(groups):
    """Names are compared exactly: neither letter case nor blanks make another group ours."""
    mapping = RoleMapping({"support": entitlement(Role.ENGINEER)})
    assert mapping.standing(groups) is NoStanding.NO_ROLE


def test_a_file_is_read():
    """Groups, roles and accounts, in TOML."""
    mapping = read_role_mapping(
        """
        [groups.support]
        roles = ["engineer", "break_glass"]
        [groups."Customer One / admins"]
        roles = ["customer"]
        accounts = ["111122223333"]
        """
    )
    assert mapping.groups == {
        "support": entitlement(Role.ENGINEER, Role.BREAK_GLASS),
        "Customer One / admins": entitlement(Role.CUSTOMER, accounts=(ONE,)),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no group"),
        ("[groups]", "names no group"),
        ("groups = 1", "names no group"),
        ("more = 1\n[groups.a]\nroles=['engineer']", "unknown member 'more'"),
        ("[groups]\na = 1", "must be a table"),
        ("[groups.a]", "must be a list of strings"),
        ("[groups.a]\nroles='engineer'", "must be a list of strings"),
        ("[groups.a]\nroles=[1]", "must be a list of strings"),
        ("[groups.a]\nroles=[]", "has no roles"),
        ("[groups.a]\nroles=['king']", "unknown role 'king'"),
        ("[groups.a]\nroles=['Engineer']", "unknown role 'Engineer'"),
        ("[groups.a]\nroles=['engineer','engineer']", "names 'engineer' twice"),
        ("[groups.a]\nroles=['customer']", "role customer and no accounts"),
        ("[groups.a]\nroles=['engineer']\naccounts=[]", "empty list of accounts"),
        ("[groups.a]\nroles=['engineer']\naccounts=['1']", "twelve digits"),
        ("[groups.a]\nroles=['engineer']\naccounts='111122223333'", "list of strings"),
        ("[groups.a]\nroles=['engineer']\naccounts=[111122223333]", "list of strings"),
        ("[groups.a]\nroles=['engineer']\nacounts=['111122223333']", "unknown member 'acounts'"),
        ("[groups.'']\nroles=['engineer']", "empty name"),
        ("[groups.a]\nroles=['engineer']\n[groups.a]\nroles=['admin']", "is not TOML"),
        ("[groups.a]\nroles=['engineer']\nroles=['admin']", "is not TOML"),
        ("[groups.a\nroles=['engineer']", "is not TOML"),
    ],
)
def test_a_faulty_file_is_refused(text, problem):
    """Whatever is unclear in it is a fault, never a guess."""
    with pytest.raises(FaultyMapping) as refused:
        read_role_mapping(text)
    assert len(refused.value.problems) == 1, refused.value.problems
    assert problem in refused.value.problems[0]


def test_all_problems_are_told_at_once():
    """Whoever mends the file mends it once."""
    with pytest.raises(FaultyMapping) as refused:
        read_role_mapping(
            "more = 1\n[groups.a]\nroles=['king']\n[groups.b]\nroles=['customer']\nx=1\n"
        )
    assert len(refused.value.problems) == 4


def test_every_role_can_be_given():
    """A role that no file may name could be held by nobody."""
    for role in Role:
        text = f"[groups.a]\nroles=['{role.value}']\naccounts=['{ONE}']"
        assert read_role_mapping(text).groups["a"].roles == {role}
    assert set(Role) == set().union(*PERMITTED.values())
