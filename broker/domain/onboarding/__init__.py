"""Onboarding: the CloudFormation template, and the link with which a customer creates its stack."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import quote, urlencode, urlsplit

from broker.domain.accounts import Account

TEMPLATE_VERSION = "1"
"""As the template's own metadata says; a test compares the two."""

STACK_REGION = "us-east-1"
"""Where every stack is created, as with the original; IAM is global anyway."""

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

    def parameters(self, account: Account) -> dict[str, str]:
        """The template's parameters for `account`."""
        return {
            "AccountNumber": self.vendor_account_id,
            "ExternalId": account.external_id,
            "IssuerHost": urlsplit(account.issuer).netloc,
            "NamePrefix": self.name_prefix,
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
            f"https://{STACK_REGION}.{domain}/cloudformation/home?region={STACK_REGION}"
            f"#/stacks/quickcreate?{urlencode(query, quote_via=quote)}"
        )


def template() -> str:
    """The CloudFormation template, YAML, the same for every customer."""
    return files(__package__).joinpath("template.yaml").read_text(encoding="utf-8")


def own_policy(*, partition: str, name_prefix: str) -> dict[str, object]:
    """What the broker itself needs in the vendor's account, and all that it should have there."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "SigningKeys",
                "Effect": "Allow",
                "Action": [
                    "kms:CreateAlias",
                    "kms:CreateKey",
                    "kms:DescribeKey",
                    "kms:DisableKey",
                    "kms:GetPublicKey",
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
        ],
    }
