"""The plan: nothing where all is well, one step for each thing that drifted, in safe order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.accounts import Consent
from broker.domain.lifecycle import plan, removal_plan, same_document, silencing_plan
from broker.domain.observed import Observed, ObservedProvider, ObservedRole
from broker.domain.role_plan import RolePolicy, wanted_in
from broker.domain.steps import (
    AddClientId,
    AttachPolicy,
    CreateProvider,
    CreateRole,
    DeleteInlinePolicy,
    DeleteProvider,
    DeleteRole,
    DetachPolicy,
    PutInlinePolicy,
    RemoveClientId,
    SetBoundary,
    SetLongestSession,
    SetThumbprints,
    SetTrustPolicy,
    TagProvider,
    TagRole,
    describe,
)
from tests.unit.domain.making import NOW, account

POLICY = RolePolicy(
    name_prefix="Acme",
    longest_session=timedelta(hours=4),
    pinned_partitions=frozenset({"aws"}),
)
WANTED = wanted_in(account(), POLICY, now=NOW)
READ, CASE = WANTED.roles


def as_wanted(role):
    """The role as it is found where all is well."""
    return ObservedRole(
        boundary=role.boundary,
        managed_policies=role.managed_policies,
        inline_policies=role.inline_policies,
        trust=role.trust,
        longest_session=role.longest_session,
        tags=role.tags,
    )


GOOD = Observed(
    provider=ObservedProvider(client_ids=WANTED.provider.client_ids, tags=WANTED.provider.tags),
    roles={role.name: as_wanted(role) for role in WANTED.roles},
)


def with_read_role(**changes):
    """All well but for the read role."""
    return replace(GOOD, roles={**GOOD.roles, READ.name: replace(as_wanted(READ), **changes)})


def with_provider(**changes):
    """All well but for the provider."""
    return replace(GOOD, provider=replace(GOOD.provider, **changes))


def test_nothing_is_done_where_all_is_well():
    """Asking again is safe (promise 8)."""
    assert plan(WANTED, GOOD) == ()


def test_an_empty_account_gets_everything_in_safe_order():
    """Provider first; each role with its boundary; the Deny before what it cuts."""
    steps = plan(WANTED, Observed(provider=None))
    assert [describe(step) for step in steps] == [
        f"CreateProvider {WANTED.provider.url}",
        "CreateRole Acme-Support-ReadOnly",
        "PutInlinePolicy Acme-Support-ReadOnly DeniedReads",
        "AttachPolicy Acme-Support-ReadOnly SecurityAudit",
        "AttachPolicy Acme-Support-ReadOnly ViewOnlyAccess",
        "CreateRole Acme-Support-Cases",
        "PutInlinePolicy Acme-Support-Cases SupportCases",
    ]


FOREIGN = "arn:aws:iam::aws:policy/AdministratorAccess"
DRIFT = {
    "provider missing": (replace(GOOD, provider=None), CreateProvider),
    "client id removed": (
        with_provider(client_ids=frozenset()),
        AddClientId,
    ),
    "client id added": (
        with_provider(client_ids=WANTED.provider.client_ids | {"another"}),
        RemoveClientId,
    ),
    "boundary removed": (with_read_role(boundary=None), SetBoundary),
    "boundary changed": (with_read_role(boundary=FOREIGN), SetBoundary),
    "trust edited": (with_read_role(trust={"Version": "2012-10-17"}), SetTrustPolicy),
    "duration changed": (
        with_read_role(longest_session=timedelta(hours=1)),
        SetLongestSession,
    ),
    "policy detached": (
        with_read_role(managed_policies=frozenset(sorted(READ.managed_policies)[:1])),
        AttachPolicy,
    ),
    "policy added": (
        with_read_role(managed_policies=READ.managed_policies | {FOREIGN}),
        DetachPolicy,
    ),
    "inline edited": (
        with_read_role(inline_policies={"DeniedReads": {"Version": "2012-10-17"}}),
        PutInlinePolicy,
    ),
    "inline deleted": (with_read_role(inline_policies={}), PutInlinePolicy),
    "role tags gone": (with_read_role(tags={}), TagRole),
    "provider tags gone": (with_provider(tags={}), TagProvider),
    "inline added": (
        with_read_role(inline_policies={**READ.inline_policies, "Extra": {}}),
        DeleteInlinePolicy,
    ),
}


@pytest.mark.parametrize(("observed", "kind"), DRIFT.values(), ids=DRIFT.keys())
def test_each_drift_is_one_step(observed, kind):
    """Every kind of drift is seen, and nothing else is touched."""
    steps = plan(WANTED, observed)
    assert [type(step) for step in steps] == [kind]
    assert steps[0].why


def test_a_deleted_role_is_made_whole_again():
    """The other role is left alone."""
    observed = replace(GOOD, roles={**GOOD.roles, CASE.name: None})
    assert [type(step) for step in plan(WANTED, observed)] == [CreateRole, PutInlinePolicy]


def test_the_boundary_is_mended_before_anything_else_in_a_role():
    """The management role may change only bounded roles."""
    worst = with_read_role(
        boundary=None,
        trust={},
        longest_session=timedelta(hours=1),
        managed_policies=frozenset({FOREIGN}),
        inline_policies={"Extra": {}},
    )
    assert isinstance(plan(WANTED, worst)[0], SetBoundary)


def test_documents_are_compared_by_what_they_say():
    """IAM may unwrap lists of one and reorder; a changed word is a change."""
    one = {"Statement": [{"Action": ["a", "b"], "Resource": ["*"], "Effect": "Deny"}]}
    same = {"Statement": {"Effect": "Deny", "Resource": "*", "Action": ["b", "a"]}}
    assert same_document(one, same)
    assert not same_document(one, {"Statement": {**same["Statement"], "Effect": "Allow"}})


def test_thumbprints_count_only_where_they_are_configured():
    """IAM fills in one of its own where none is given; that is no drift."""
    filled_in = with_provider(thumbprints=frozenset({"a" * 40}))
    assert plan(WANTED, filled_in) == ()
    configured = wanted_in(account(), replace(POLICY, thumbprints=frozenset({"b" * 40})), now=NOW)
    (step,) = plan(configured, filled_in)
    assert isinstance(step, SetThumbprints)


def test_what_an_older_version_left_is_removed():
    """A role with our name and tag that nothing wants goes, whatever is attached to it."""
    old = replace(as_wanted(READ), boundary=None)
    observed = replace(
        GOOD,
        leftover_roles={"Acme-Support-Legacy": old},
        leftover_providers=("arn:aws:iam::111122223333:oidc-provider/broker.example.com/oidc/old",),
    )
    steps = plan(WANTED, observed)
    assert isinstance(steps[0], SetBoundary)
    assert isinstance(steps[-2], DeleteRole)
    assert isinstance(steps[-1], DeleteProvider)


SILENT = wanted_in(account(consent=Consent.OFF), POLICY, now=NOW)


def test_switched_off_access_ends_sessions_and_repairs_nothing():
    """The customer's intent is not drift: only the Deny is written."""
    observed = with_read_role(trust={}, managed_policies=frozenset(), boundary=None)
    observed = replace(observed, provider=None, roles={**observed.roles, CASE.name: None})
    steps = silencing_plan(SILENT, observed)
    assert [describe(step) for step in steps] == [
        "SetBoundary Acme-Support-ReadOnly",
        "PutInlinePolicy Acme-Support-ReadOnly Revocations",
    ]
    silenced = with_read_role(inline_policies=SILENT.roles[0].inline_policies)
    silenced = replace(silenced, roles={**silenced.roles, CASE.name: None})
    assert silencing_plan(SILENT, silenced) == ()


def test_removal_leaves_nothing_and_ends_sessions_first():
    """Deny first; then everything off each role, whatever was attached; the provider last."""
    observed = with_read_role(
        managed_policies=READ.managed_policies | {FOREIGN},
        inline_policies={**READ.inline_policies, "Extra": {}},
    )
    lines = [describe(step) for step in removal_plan(WANTED, observed)]
    assert lines[:2] == [
        "PutInlinePolicy Acme-Support-ReadOnly Revocations",
        "PutInlinePolicy Acme-Support-Cases Revocations",
    ]
    assert "DetachPolicy Acme-Support-ReadOnly AdministratorAccess" in lines
    assert "DeleteInlinePolicy Acme-Support-ReadOnly Extra" in lines
    assert lines.index("DeleteRole Acme-Support-ReadOnly") > lines.index(
        "DeleteInlinePolicy Acme-Support-ReadOnly Revocations"
    )
    assert lines[-1].startswith("DeleteProvider ")


def test_removal_of_nothing_does_nothing():
    """A second removal makes no call."""
    gone = Observed(provider=None, roles={role.name: None for role in WANTED.roles})
    assert removal_plan(WANTED, gone) == ()
