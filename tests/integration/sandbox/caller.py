"""Callers for the enforcement tests: roles with given policies, in boto3 and in the AWS CLI."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from broker.sandbox.process import Keys, Sandbox

REGION = "us-east-1"


@dataclass(frozen=True)
class Caller:
    """Credentials, and what they call with."""

    sandbox: Sandbox
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    @classmethod
    def owner(cls, sandbox: Sandbox, keys: Keys) -> "Caller":
        return cls(sandbox, keys.access_key_id, keys.secret_access_key)

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client that does not try again."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.sandbox.url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            aws_session_token=self.session_token,
            # The sandbox shall judge the parameters, not boto3.
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )

    def aws(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The real AWS CLI, with nothing from this machine's own configuration."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "AWS_ENDPOINT_URL": self.sandbox.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_MAX_ATTEMPTS": "1",
            **({"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}),
        }
        cli = Path(sys.executable).with_name("aws")
        return subprocess.run(
            [str(cli), *arguments], env=environment, capture_output=True, text=True, check=False
        )

    def assume(self, role_arn: str, **parameters: Any) -> "Caller":
        """A session of the role; ClientError if it is refused."""
        parameters.setdefault("RoleSessionName", "test")
        issued = self.client("sts").assume_role(RoleArn=role_arn, **parameters)["Credentials"]
        return Caller(
            self.sandbox,
            issued["AccessKeyId"],
            issued["SecretAccessKey"],
            issued["SessionToken"],
        )


def trust_of(account_id: str, **members: Any) -> str:
    """A trust policy for everybody of an account, for all that can come with AssumeRole."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        **members,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def policy(*statements: Mapping[str, Any]) -> str:
    """A policy document; a statement is an Allow on everything unless it says otherwise."""
    general = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{**general, **each} for each in statements]}
    )


def code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def text_of(error: ClientError) -> str:
    return str(error.response["Error"]["Message"])
