"""Where a recorded row is played: an issuer, its provider and a role, made anew for each case."""

import itertools
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.loopback_issuer import LoopbackIssuers
from tests.integration.sandbox.observed.cases import (
    ABSENT,
    Ahead,
    Exchange,
    Granted,
    Refused,
)
from tests.integration.sandbox.throwaway_tokens import key_for, signed

TRUST_ACTIONS = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]
CLIENT_IDS = ["client-a", "client-b"]
KIDS = {"RS256": "rsa-1", "RS384": "rsa-1", "RS512": "rsa-1"}
NUMBERS = itertools.count(1)
SESSION_NAME = "session-probe"


@dataclass
class Stage:
    """The clients of one account, and the issuers it may trust."""

    account_id: str
    iam: Any
    sts: Any
    issuers: LoopbackIssuers

    @classmethod
    def on(cls, sandbox: Sandbox, account_id: str, issuers: LoopbackIssuers) -> "Stage":
        """An account of this sandbox; the STS client is unsigned and leaves checks to STS."""
        keys = sandbox.create_account(account_id)
        session = boto3.Session(
            region_name="us-east-1",
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )
        unsigned = Config(
            signature_version=UNSIGNED,
            retries={"total_max_attempts": 1},
            parameter_validation=False,
        )
        return cls(
            account_id=account_id,
            iam=session.client("iam", endpoint_url=sandbox.url),
            sts=session.client("sts", endpoint_url=sandbox.url, config=unsigned),
            issuers=issuers,
        )

    def delete_providers(self) -> None:
        """Remove every identity provider of the account."""
        for provider in self.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
            self.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"])

    def now(self) -> int:
        """Seconds since 1970."""
        return int(time.time())

    def name(self, kind: str = "case") -> str:
        """A name that no other case has."""
        return f"{kind}-{next(NUMBERS)}"

    def create_provider(self, issuer: str) -> str:
        """Register the issuer without thumbprints, as for all recorded exchanges."""
        created = self.iam.create_open_id_connect_provider(Url=issuer, ClientIDList=CLIENT_IDS)
        return str(created["OpenIDConnectProviderArn"])

    def create_role(self, statements: list[Mapping[str, Any]]) -> str:
        """A role that may be assumed for two hours at most."""
        role = self.iam.create_role(
            RoleName=self.name("role"),
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
            MaxSessionDuration=7200,
        )
        return str(role["Role"]["Arn"])

    def assume(self, role: str, token: str, **parameters: Any) -> dict[str, Any]:
        """The exchange itself, unsigned."""
        call = {
            "RoleArn": role,
            "RoleSessionName": SESSION_NAME,
            "WebIdentityToken": token,
            **parameters,
        }
        return dict(self.sts.assume_role_with_web_identity(**call))


@dataclass(frozen=True, kw_only=True)
class Scenery:
    """What the placeholders of a case stand for."""

    account: str
    issuer_url: str
    provider: str
    role: str = ""

    @classmethod
    def of(cls, stage: Stage, issuer_url: str) -> "Scenery":
        """The issuer, with a provider registered for it."""
        provider = stage.create_provider(issuer_url)
        return cls(account=stage.account_id, issuer_url=issuer_url, provider=provider)

    def with_role(self, role: str) -> "Scenery":
        """The same with a role."""
        return replace(self, role=role)

    def fill(self, value: Any, *, now: int = 0) -> Any:
        """The value with its placeholders and times replaced, and absent members left out."""
        match value:
            case Ahead():
                return value.resolve(now)
            case str():
                return self._text(value)
            case dict():
                return {
                    self._text(name): self.fill(each, now=now)
                    for name, each in value.items()
                    if each is not ABSENT
                }
            case list():
                return [self.fill(each, now=now) for each in value]
            case _:
                return value

    def _text(self, text: str) -> str:
        replacements = {
            "{account}": self.account,
            "{provider}": self.provider,
            "{issuer}": self.issuer_url.partition("://")[2],
            "{role}": self.role,
            "{ROLE}": self.role.upper(),
            "{Role}": self.role.replace(":role/role", ":role/Role"),
            "{other_role}": f"arn:aws:iam::{self.account}:role/another-role",
        }
        for placeholder, replacement in replacements.items():
            text = text.replace(placeholder, replacement)
        return text


def play(case: Exchange, stage: Stage) -> None:
    """Set the case up, exchange the token, and compare with what AWS answered."""
    issuer_url = stage.issuers.publish(stage.name(), case.keys())
    scenery = Scenery.of(stage, issuer_url)
    statement = {
        "Effect": "Allow",
        "Principal": scenery.fill(case.principal),
        "Action": TRUST_ACTIONS,
    }
    if case.condition is not None:
        statement["Condition"] = scenery.fill(case.condition)
    role = stage.create_role([statement])
    scenery = scenery.with_role(role)
    claims = scenery.fill(plain_claims(issuer_url) | dict(case.claims), now=stage.now())
    token = sign(case, claims)
    match case.outcome:
        case Granted() as granted:
            answer = stage.assume(role, token, **case.parameters)
            check_granted(answer, granted, scenery)
        case Refused() as refused:
            before = int(time.time())
            try:
                stage.assume(role, token, **case.parameters)
            except ClientError as error:
                check_refused(error, refused, claims=claims, before=before)
            else:
                raise AssertionError("AWS refused this, the sandbox did not")


def plain_claims(issuer_url: str) -> dict[str, Any]:
    """Claims that AWS takes, before a case changes them."""
    return {
        "iss": issuer_url,
        "sub": "subject-probe",
        "aud": "client-a",
        "iat": Ahead(-5),
        "exp": Ahead(300),
        "jti": "throwaway",
    }


def sign(case: Exchange, claims: Mapping[str, Any]) -> str:
    """The case's token over these claims, a repeated member included."""
    kid = KIDS.get(case.algorithm, case.algorithm)
    header = {"alg": case.algorithm, "kid": kid, "typ": "JWT", **case.header}
    header = {name: value for name, value in header.items() if value is not ABSENT}
    text = json.dumps(claims)
    if case.repeated is not None:
        name, value = case.repeated
        text = f"{text[:-1]}, {json.dumps(name)}: {json.dumps(value)}}}"
    return signed(header, text, key_for(case.algorithm))


def check_granted(answer: Mapping[str, Any], granted: Granted, scenery: Scenery) -> None:
    """The fields that every answer was seen to have, and those of this row."""
    role_name = scenery.role.rpartition("/")[2]
    user = answer["AssumedRoleUser"]
    assert user["Arn"] == (
        f"arn:aws:sts::{scenery.account}:assumed-role/{role_name}/{SESSION_NAME}"
    )
    assert re.fullmatch(rf"AROA[A-Z0-9]+:{SESSION_NAME}", user["AssumedRoleId"])
    assert answer["Provider"] == scenery.provider
    assert answer["PackedPolicySize"] > 0
    credentials = answer["Credentials"]
    assert re.fullmatch(r"ASIA[A-Z0-9]{16}", credentials["AccessKeyId"])
    lifetime = credentials["Expiration"].timestamp() - time.time()
    assert granted.duration - 15 < lifetime <= granted.duration
    expected = scenery.fill(dict(granted.members))
    assert {name: answer.get(name) for name in expected} == expected


def check_refused(
    error: ClientError, refused: Refused, *, claims: Mapping[str, Any], before: int
) -> None:
    """Code, status and text, in which the clock of STS may have moved on a little."""
    assert error.response["Error"]["Code"] == refused.code
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == refused.status
    text = error.response["Error"]["Message"]
    assert text in {
        _with_numbers(refused.text, claims=claims, clock=clock)
        for clock in range(before, int(time.time()) + 1)
    }


def _with_numbers(text: str, *, claims: Mapping[str, Any], clock: int) -> str:
    numbers = {name: claims.get(name, "") for name in ("iat", "exp", "nbf")}
    return text.format(**numbers, past=clock - 300, future=clock + 300)
