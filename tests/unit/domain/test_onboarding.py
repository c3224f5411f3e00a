"""The template and the link that leads to it."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from broker.domain.accounts import Payer
from broker.domain.hooks.sns import TopicArn
from broker.domain.onboarding import TEMPLATE_VERSION, Onboarding, own_policy, template
from tests.unit.domain.making import ISSUER, account

TOPIC = TopicArn.parse("arn:aws:sns:us-east-1:999900001111:support-hooks")
ELSEWHERE = TopicArn.parse("arn:aws:sns:eu-west-1:999900001111:support-hooks")
ONBOARDING = Onboarding(
    vendor_account_id="999900001111",
    template_url="https://bucket.s3.amazonaws.com/template.yaml",
    name_prefix="Acme",
    topics=(ELSEWHERE, TOPIC),
)


def test_the_link_fills_in_every_parameter_of_the_template():
    """One click: the customer has nothing to type."""
    link = urlsplit(ONBOARDING.launch_url(account()))
    query = parse_qs(link.fragment.partition("?")[2])
    declared = re.search(r"^Parameters:\n(.*?)^Conditions:", template(), re.S | re.M)[1]
    names = re.findall(r"^  (\w+):$", declared, re.M)
    assert {f"param_{name}" for name in names} == {k for k in query if k.startswith("param_")}
    assert query["templateURL"] == ["https://bucket.s3.amazonaws.com/template.yaml"]
    assert query["param_ExternalId"] == ["e" * 40]
    assert query["param_IssuerHost"] == [urlsplit(ISSUER).netloc]
    assert query["param_ServiceToken"] == [TOPIC]
    assert query["param_PayerAccount"] == ["false"]
    assert link.netloc == "us-east-1.console.aws.amazon.com"


def test_a_payer_account_is_told_so_to_the_template():
    """What the console said at registration is what the customer confirms."""
    assert ONBOARDING.parameters(account(payer=Payer.YES))["PayerAccount"] == "true"


def test_the_stack_is_created_where_a_topic_is():
    """A custom resource reaches topics of its own Region only; without any it is left out."""
    elsewhere = replace(ONBOARDING, topics=(ELSEWHERE,))
    assert "://eu-west-1.console." in elsewhere.launch_url(account())
    assert elsewhere.parameters(account())["ServiceToken"] == ELSEWHERE
    without = replace(ONBOARDING, topics=())
    assert "://us-east-1.console." in without.launch_url(account())
    assert "ServiceToken" not in without.launch_url(account())


def test_the_link_leads_to_the_partitions_own_console():
    """GovCloud and China have consoles of their own."""
    assert ".console.amazonaws.cn/" in ONBOARDING.launch_url(account(partition="aws-cn"))
    gov = ONBOARDING.launch_url(account(partition="aws-us-gov"))
    assert ".console.amazonaws-us-gov.com/" in gov


def test_the_versions_agree():
    """The code and the template speak of the same version."""
    assert f'TemplateVersion: "{TEMPLATE_VERSION}"' in template()


def test_the_management_policy_offers_no_way_out():
    """None of the actions that could widen anything is in the template."""
    text = template()
    for action in ("CreatePolicy", "PassRole", "SAML", "CreateUser", "iam:*"):
        assert action not in text


def test_the_brokers_own_policy_reaches_management_roles_only():
    """With the broker's credentials nobody assumes any other role."""
    statements = own_policy(partition="aws-cn", name_prefix="Acme")["Statement"]
    assume = next(s for s in statements if s["Action"] == "sts:AssumeRole")
    assert assume["Resource"] == "arn:aws-cn:iam::*:role/Acme_Management_Role_DO-NOT-DELETE"


def test_the_broker_may_write_checkpoints_and_nothing_else_into_buckets():
    """Below one prefix, whoever owns the bucket; it reads nothing there and takes nothing away."""
    statements = own_policy(partition="aws-cn", name_prefix="Acme")["Statement"]
    [writing] = [s for s in statements if "s3" in str(s["Action"])]
    assert writing["Action"] == "s3:PutObject"
    assert writing["Resource"] == "arn:aws-cn:s3:::*/support-access-ledger/*"


def test_the_broker_may_confirm_subscriptions_to_its_own_topics_only():
    """And nothing of SNS at all where it has no topic."""
    with_topics = own_policy(partition="aws", name_prefix="Acme", topics=[TOPIC])["Statement"]
    [confirm] = [s for s in with_topics if s["Action"] == "sns:ConfirmSubscription"]
    assert confirm["Resource"] == [TOPIC]
    without = own_policy(partition="aws", name_prefix="Acme")["Statement"]
    assert [s for s in with_topics if s is not confirm] == without
