"""Onboarding: the CloudFormation template, and the link with which a customer creates its stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import quote, urlencode, urlsplit

from broker.domain.accounts import Account, Payer
from broker.domain.hooks.sns import TopicArn
from broker.domain.ledger.checkpoints import OBJECT_PREFIX

TEMPLATE_VERSION = "2"
"""As the template's own metadata says; a test compares the two."""

USUAL_REGION = "us-east-1"
"""Where stacks are created, as with the original, unless there is a topic elsewhere only. IAM is
global, but a custom resource reaches only topics of its stack's own Region."""

_CONSOLE_DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
_DEFAULT_DOMAIN = _CONSOLE_DOMAINS["aws"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    """What the vendor fills in for every customer."""

    vendor_account_id: str
    template_url: str
    name_prefix: str
    topics: Sequence[TopicArn] = ()

    @property
    def service_token(self) -> str:
        """The topic that the launch link's stacks publish to; empty where there is none."""
        usual = [topic for topic in self.topics if topic.region == USUAL_REGION]
        return next(iter([*usual, *self.topics]), "")

    @property
    def region(self) -> str:
        """Where the launch link's stacks are created."""
        token = self.service_token
        return TopicArn(token).region if token else USUAL_REGION

    def parameters(self, account: Account) -> dict[str, str]:
        """The template's parameters for `account`; without a topic its hook stays off."""
        hook = {"ServiceToken": self.service_token} if self.topics else {}
        return {
            "AccountNumber": self.vendor_account_id,
            "ExternalId": account.external_id,
            "IssuerHost": urlsplit(account.issuer).netloc,
            "NamePrefix": self.name_prefix,
            "PayerAccount": "true" if account.payer is Payer.YES else "false",
            **hook,
        }

    def launch_url(self, account: Account) -> str:
        """CloudFormation's quick-create link with every parameter filled in."""
        query = {
            "templateURL": self.template_url,
            "stackName": f"{self.name_prefix}-Support",
            **{f"param_{name}": value for name, value in self.parameters(account).items()},
        }
        domain = _CONSOLE_DOMAINS.get(account.partition, _DEFAULT_DOMAIN)
        return (
            f"https://{self.region}.{domain}/cloudformation/home?region={self.region}"
            f"#/stacks/quickcreate?{urlencode(query, quote_via=quote)}"
        )


def template() -> str:
    """The CloudFormation template, YAML, the same for every customer."""
    return files(__package__).joinpath("template.yaml").read_text(encoding="utf-8")


def own_policy(
    *, partition: str, name_prefix: str, topics: Sequence[TopicArn] = ()
) -> dict[str, object]:
    """What the broker itself needs in the vendor's account, and all that it should have there."""
    hooks = {
        "Sid": "OwnTopicsOnly",
        "Effect": "Allow",
        "Action": "sns:ConfirmSubscription",
        "Resource": list(topics),
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            *([hooks] if topics else []),
            {
                "Sid": "SigningKeys",
                "Effect": "Allow",
                "Action": [
                    "kms:CreateAlias",
                    "kms:CreateKey",
                    "kms:DescribeKey",
                    "kms:DisableKey",
                    "kms:GetPublicKey",
                    "kms:ListAliases",
                    "kms:ListKeys",
                    "kms:ListResourceTags",
                    "kms:ScheduleKeyDeletion",
                    "kms:Sign",
                    "kms:TagResource",
                ],
                "Resource": "*",
            },
            {
                "Sid": "ManagementRolesOnly",
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Resource": (
                    f"arn:{partition}:iam::*:role/{name_prefix}_Management_Role_DO-NOT-DELETE"
                ),
            },
            {
                "Sid": "CheckpointsInCustomersBuckets",
                "Effect": "Allow",
                "Action": "s3:PutObject",
                "Resource": f"arn:{partition}:s3:::*/{OBJECT_PREFIX}*",
            },
        ],
    }
