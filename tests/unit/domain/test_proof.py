"""A proof says what is really attached, and no verdict is good where something was not checked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.accounts import Consent, Profile
from broker.domain.observed import Observed
from broker.domain.proofs.action_catalogue import AccessLevel
from broker.domain.proofs.proof import RoleChange, Verdict, compare
from broker.domain.proofs.proving import managed_policies, prove
from broker.domain.revocations import NOTHING_REVOKED
from broker.domain.role_plan import REVOCATIONS, wanted_in
from tests.unit.domain.catalogues import CATALOGUE, allow, deny, policy
from tests.unit.domain.making import NOW, OTHER_ACCOUNT, account
from tests.unit.domain.test_lifecycle import CASE, GOOD, POLICY, READ, as_wanted

AWS_MANAGED = "arn:aws:iam::aws:policy"
READS = policy(
    allow("s3:List*", "s3:GetObject*", "ec2:Describe*", "ec2:GetConsoleOutput", "apigateway:GET")
)
DOCUMENTS = {
    f"{AWS_MANAGED}/job-function/ViewOnlyAccess": policy(allow("s3:List*", "ec2:Describe*")),
    f"{AWS_MANAGED}/SecurityAudit": policy(allow("s3:*Acl", "s3:GetObject", "ec2:Get*")),
    f"{AWS_MANAGED}/ReadOnlyAccess": READS,
    f"{AWS_MANAGED}/AWSSupportAccess": policy(allow("support:*")),
    f"{AWS_MANAGED}/AdministratorAccess": policy(allow("*")),
}
OURS = READ.inline_policies
CASE_WRITES = (
    "support:AddAttachmentsToSet",
    "support:AddCommunicationToCase",
    "support:CreateCase",
    "support:ResolveCase",
)
EVERYTHING = policy(allow("*"))


def proved(observed=GOOD, *, documents=None, catalogue=CATALOGUE, now=NOW, **changes):
    """The proof of an account in which `observed` was found."""
    changed = account(**changes)
    return prove(
        changed,
        wanted_in(changed, POLICY, now=now),
        observed,
        {**DOCUMENTS, **(documents or {})},
        name_prefix=POLICY.name_prefix,
        catalogue=catalogue,
        now=now,
    )


def with_role(role, **changes):
    """All well but for one role."""
    return replace(GOOD, roles={**GOOD.roles, role.name: replace(as_wanted(role), **changes)})


def of(proof, role=READ):
    """What the proof says of one role."""
    return next(each for each in proof.roles if each.role == role.name)


def test_all_well():
    """Counts per level, support cases as all that is above reading, and nothing to complain of."""
    proof = proved()
    assert (proof.verdict, proof.reasons, proof.findings) == (Verdict.READ_ONLY, (), ())
    assert of(proof).actions == {AccessLevel.LIST: ("ec2:DescribeInstances", "s3:ListBucket")}
    assert of(proof).above_reading == ()
    assert of(proof, CASE).above_reading == CASE_WRITES
    assert of(proof, CASE).counts == {
        **dict.fromkeys(AccessLevel, 0),
        AccessLevel.READ: 1,
        AccessLevel.WRITE: 4,
    }
    assert of(proof).partly_denied == (
        "DeniedReads NoApiKeys denies apigateway:GET on some resources",
    )


def test_a_proof_needs_every_document_that_is_attached():
    """Those of both roles and of what is left over, boundaries included."""
    leftover = replace(as_wanted(READ), managed_policies=frozenset({"arn:x/Old"}), boundary=None)
    found = replace(GOOD, leftover_roles={"Acme-Support-Old": leftover})
    expected = {READ.boundary, CASE.boundary, *READ.managed_policies, "arn:x/Old"}
    assert managed_policies(found) == expected


def test_the_boundary_holds_back_what_is_attached():
    """AdministratorAccess within the boundary: told, and without effect."""
    administrator = f"{AWS_MANAGED}/AdministratorAccess"
    proof = proved(with_role(READ, managed_policies=READ.managed_policies | {administrator}))
    assert proof.verdict is Verdict.READ_ONLY
    assert proof.findings == (
        f"a policy that is not ours was attached: DetachPolicy {READ.name} AdministratorAccess",
    )


def test_without_a_boundary_there_is_no_good_verdict():
    """Even if what is attached does no harm today."""
    proof = proved(with_role(READ, boundary=None))
    assert proof.verdict is Verdict.VIOLATED
    assert proof.reasons == (
        f"{READ.name} has no permissions boundary: nothing caps what is attached to it.",
    )
    assert "the permissions boundary was removed or changed" in proof.findings[0]


def test_another_boundary_is_judged_by_what_it_says():
    """It is told as a difference, and counts by what it allows."""
    inline = {**OURS, "Extra": EVERYTHING}
    found = with_role(READ, boundary="arn:x/Own", inline_policies=inline)
    narrow = proved(found, documents={"arn:x/Own": policy(allow("ec2:Describe*"))})
    assert narrow.verdict is Verdict.READ_ONLY
    assert of(narrow).actions == {AccessLevel.LIST: ("ec2:DescribeInstances",)}
    wide = proved(found, documents={"arn:x/Own": policy(allow("ec2:*"))})
    assert wide.verdict is Verdict.VIOLATED
    assert of(wide).above_reading == ("ec2:CreateTags", "ec2:RunInstances")
    assert wide.reasons == (
        f"{READ.name} may do what is no reading: ec2:CreateTags, ec2:RunInstances.",
    )


@pytest.mark.parametrize("unreadable", [None, {"Statement": "nothing"}])
def test_what_cannot_be_read_is_not_proven(unreadable):
    """An attached policy that is kept from us, or that is no policy, never counts as a pass."""
    found = with_role(READ, managed_policies=READ.managed_policies | {"arn:x/Own"})
    proof = proved(found, documents={"arn:x/Own": unreadable})
    assert proof.verdict is Verdict.UNPROVEN
    assert proof.reasons == (f"Own of {READ.name} could not be read.",)


def test_a_document_that_was_not_asked_for_is_not_proven():
    """A policy that nobody read is as unreadable as one that was refused."""
    found = with_role(READ, managed_policies=READ.managed_policies | {"arn:x/Own"})
    assert proved(found).verdict is Verdict.UNPROVEN


def test_an_unreadable_boundary_caps_nothing():
    """What cannot be read is not assumed to help; a violation weighs more than a doubt."""
    found = with_role(READ, inline_policies={**OURS, "Extra": EVERYTHING}, boundary="arn:x/Own")
    proof = proved(found)
    assert proof.verdict is Verdict.VIOLATED
    assert of(proof).unproven == (f"boundary Own of {READ.name} could not be read.",)
    harmless = proved(with_role(READ, boundary="arn:x/Own"))
    assert harmless.verdict is Verdict.UNPROVEN


def test_a_promise_is_held_against_what_is_effective():
    """Our Deny gone, the data is read: told by action, as the profile has promised it."""
    found = with_role(READ, inline_policies={"Extra": policy(allow("s3:GetObject"))})
    proof = proved(found)
    assert proof.verdict is Verdict.VIOLATED
    assert of(proof).broken_promises == (
        "ec2:GetConsoleOutput",
        "s3:GetObject",
        "s3:GetObjectAcl",
    )
    assert "promises to deny: ec2:GetConsoleOutput, s3:GetObject" in proof.reasons[0]
    full = proved(found, profile=Profile.FULL)
    assert (full.verdict, of(full).broken_promises) == (Verdict.READ_ONLY, ())


KEYS = ("arn:aws:apigateway:*::/apikeys*", "arn:aws:apigateway:*::/usageplans/*/keys*")


@pytest.mark.parametrize(
    ("denied", "readable"),
    [
        ([deny("apigateway:GET", Resource=list(KEYS))], ()),
        ([deny("apigateway:*", Resource=KEYS[0]), deny("apigateway:G*", Resource=KEYS[1])], ()),
        ([deny("apigateway:GET", Resource="arn:aws:apigateway:*")], ()),
        ([deny("apigateway:GET", Resource=KEYS[0])], KEYS[1:]),
        ([deny("apigateway:GET", Resource=list(KEYS), Condition={"Bool": {"a": "b"}})], KEYS),
        ([deny("apigateway:PATCH", Resource=list(KEYS))], KEYS),
        ([], KEYS),
    ],
)
def test_a_promise_by_resource_is_held_by_resource(denied, readable):
    """API Gateway has one action for all reads: keys must be denied where they are."""
    with_gateway = replace(
        CATALOGUE,
        services={
            **CATALOGUE.services,
            "apigateway": {
                "get": CATALOGUE.services["s3"]["getobject"]._replace(name="apigateway:GET")
            },
        },
    )
    document = policy(allow("apigateway:GET"), *denied)
    found = with_role(READ, inline_policies={**OURS, "DeniedReads": document})
    proof = proved(found, catalogue=with_gateway, profile=Profile.FULL)
    assert of(proof).broken_promises == tuple(f"apigateway:GET on {key}" for key in readable)


def test_the_cases_role_may_raise_cases_and_no_more():
    """Its boundary would let it change a case's severity; what it may is what was promised."""
    found = with_role(CASE, inline_policies={"SupportCases": policy(allow("support:*"))})
    proof = proved(found)
    assert proof.verdict is Verdict.VIOLATED
    assert proof.reasons == (f"{CASE.name} may do what is no reading: support:UpdateCaseSeverity.",)


def test_support_cases_need_no_catalogue():
    """What the cases role is allowed by name it is allowed, whether the catalogue has it or not."""
    without = {name: each for name, each in CATALOGUE.services.items() if name != "support"}
    proof = proved(catalogue=replace(CATALOGUE, services=without))
    assert of(proof, CASE).unknown == (*CASE_WRITES[:3], "support:Describe*", CASE_WRITES[3])
    assert proof.verdict is Verdict.READ_ONLY


def test_the_read_role_may_raise_no_cases():
    """Support cases may stand on the cases role only."""
    found = with_role(
        READ,
        boundary=CASE.boundary,
        inline_policies={**OURS, "Extra": policy(allow("support:CreateCase"))},
    )
    assert of(proved(found)).violations == (
        f"{READ.name} may do what is no reading: support:CreateCase.",
    )


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("gone:DescribeThings", Verdict.READ_ONLY),
        ("gone:List*", Verdict.READ_ONLY),
        ("gone:BatchGetThings", Verdict.READ_ONLY),
        ("gone:DestroyThings", Verdict.VIOLATED),
        ("gone:*", Verdict.VIOLATED),
        ("*:DestroyThings", Verdict.VIOLATED),
    ],
)
def test_the_unknown_is_listed_and_judged_by_its_name(name, verdict):
    """All that can be said of what no catalogue knows is whether it is named like a read."""
    found = with_role(READ, inline_policies={**OURS, "Extra": policy(allow(name))})
    proof = proved(found, documents={READ.boundary: EVERYTHING})
    assert (proof.verdict, of(proof).unknown) == (verdict, (name,))
    assert of(proof).counts[AccessLevel.UNKNOWN] == 1


def test_an_action_without_a_level_is_no_read():
    """What the catalogue has without saying what it does counts as above reading."""
    actions = CATALOGUE.services["ec2"]
    unclear = actions["describeinstances"]._replace(level=AccessLevel.UNKNOWN)
    services = {**CATALOGUE.services, "ec2": {**actions, "describeinstances": unclear}}
    proof = proved(catalogue=replace(CATALOGUE, services=services))
    assert of(proof).above_reading == ("ec2:DescribeInstances",)
    assert proof.verdict is Verdict.VIOLATED


def test_leftover_roles_count():
    """A role of an older version may still be assumed, so it is proved too, as a read role."""
    old = replace(as_wanted(CASE), inline_policies={"Old": policy(allow("support:CreateCase"))})
    proof = proved(replace(GOOD, leftover_roles={"Acme-Support-Old": old}))
    assert [role.role for role in proof.roles] == [CASE.name, "Acme-Support-Old", READ.name]
    assert proof.verdict is Verdict.VIOLATED


def test_a_missing_role_is_told():
    """Nothing can be done with a role that does not exist; with none at all nothing is proven."""
    proof = proved(replace(GOOD, roles={**GOOD.roles, CASE.name: None}))
    assert proof.verdict is Verdict.READ_ONLY
    assert f"the role is missing: CreateRole {CASE.name}" in proof.findings
    nothing = proved(Observed(provider=None))
    assert (nothing.verdict, len(nothing.reasons)) == (Verdict.UNPROVEN, 1)


def test_consent_off_leaves_nothing():
    """While the customer's consent is off the roles may do nothing at all."""
    off = wanted_in(account(consent=Consent.OFF), POLICY, now=NOW)
    found = replace(GOOD, roles={role.name: as_wanted(role) for role in off.roles})
    proof = proved(found, consent=Consent.OFF)
    assert (proof.verdict, proof.findings) == (Verdict.READ_ONLY, ())
    assert [role.actions for role in proof.roles] == [{}, {}]


def test_a_revocation_is_no_denial_of_all():
    """It denies one session or those before a time, so it is told and not counted."""
    revoked = NOTHING_REVOKED.with_everything(issued_before=NOW, until=NOW + timedelta(hours=1))
    wanted = wanted_in(account(revocations=revoked), POLICY, now=NOW)
    found = replace(GOOD, roles={role.name: as_wanted(role) for role in wanted.roles})
    proof = proved(found, revocations=revoked)
    assert proof.findings == ()
    assert f"{REVOCATIONS} IssuedBefore denies * under a condition" in of(proof).partly_denied
    assert of(proof).actions == of(proved()).actions


def test_the_digest_is_of_everything_but_the_time():
    """Equal for what is equal, another for whatever differs."""
    proof = proved()
    assert proved(now=NOW + timedelta(days=1)).digest == proof.digest
    differing = [
        proved(account_id=OTHER_ACCOUNT),
        proved(profile=Profile.FULL),
        proved(catalogue=replace(CATALOGUE, version="other")),
        proved(catalogue=replace(CATALOGUE, updated_at=NOW)),
        proved(with_role(READ, boundary=None)),
        proved(
            with_role(READ, inline_policies={**OURS, "Extra": policy(allow("s3:GetObjectAcl"))})
        ),
        proved(replace(GOOD, provider=None)),
    ]
    assert len({proof.digest, *(each.digest for each in differing)}) == 1 + len(differing)


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "Acme-Support-Old"},
        {"actions": {}},
        {"unknown": ("gone:ListThings",)},
        {"broken_promises": ("s3:GetObject",)},
        {"partly_denied": ()},
        {"violations": ("It may.",)},
        {"unproven": ("It may.",)},
    ],
)
def test_the_digest_is_of_all_that_is_said_of_a_role(changes):
    """Nothing in a kept proof can be edited without its digest showing it."""
    proof = proved()
    edited = replace(proof, roles=(replace(proof.roles[1], **changes), proof.roles[0]))
    assert edited.digest != replace(proof, roles=(proof.roles[1], proof.roles[0])).digest


def test_two_proofs_compared():
    """What each role gained and lost, and what the catalogues class differently."""
    assert compare(proved(), proved(now=NOW + timedelta(days=1))).same
    found = with_role(READ, inline_policies={}, managed_policies=frozenset(DOCUMENTS))
    services = {**CATALOGUE.services}
    listed = services["s3"]["listbucket"]._replace(level=AccessLevel.READ)
    services["s3"] = {**services["s3"], "listbucket": listed}
    other = replace(CATALOGUE, version="newer", services=services)
    change = compare(proved(), proved(found, catalogue=other))
    assert not change.same
    assert change.verdicts == (Verdict.READ_ONLY, Verdict.VIOLATED)
    assert change.catalogues == ("small", "newer")
    assert change.roles == (
        RoleChange(
            role=READ.name,
            gained=("apigateway:GET", "ec2:GetConsoleOutput", "s3:GetObject", "s3:GetObjectAcl"),
            lost=(),
            reclassified=("s3:ListBucket",),
        ),
    )
    back = compare(proved(found, catalogue=other), proved())
    assert back.roles[0].lost == change.roles[0].gained


def test_a_role_that_came_gained_all_that_it_may_do():
    """And one that went has lost it."""
    without = proved(replace(GOOD, roles={READ.name: GOOD.roles[READ.name], CASE.name: None}))
    gained = tuple(sorted((*CASE_WRITES, "support:DescribeCases")))
    assert compare(without, proved()).roles[0].gained == gained
    assert compare(proved(), without).roles[0].lost == gained


def test_proofs_of_two_accounts_do_not_compare():
    """Their roles have the same names, so nothing else would notice."""
    with pytest.raises(ValueError, match=OTHER_ACCOUNT):
        compare(proved(), proved(account_id=OTHER_ACCOUNT))


def test_a_sentence_stays_readable():
    """It names a few actions and counts the rest; the proof holds all of them."""
    actions = [f"gone:Destroy{number}" for number in range(9)]
    found = with_role(READ, inline_policies={**OURS, "Extra": policy(allow(*actions))})
    proof = proved(found, documents={READ.boundary: EVERYTHING})
    assert proof.reasons[0].endswith("gone:Destroy5 and 3 more.")
    assert of(proof).unknown == tuple(actions)
