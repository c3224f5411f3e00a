"""What a role that trusts a broker refuses: each token lacks or fakes one thing."""

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from tests.integration.sandbox.forgeries import (
    keyed_with_public_key,
    tampered,
    unsigned,
    unsigned_with_signature,
)
from tests.integration.sandbox.loopback_issuer import LoopbackIssuers
from tests.integration.sandbox.observed.cases import ABSENT, DENIED, GEN, KEY, Ahead, Refused
from tests.integration.sandbox.observed.keys import NOT_A_JWT
from tests.integration.sandbox.observed.roles_and_tags import NOTIN, ROLES, SOURCE_IDENTITY, TAGS
from tests.integration.sandbox.observed.stage import Stage
from tests.integration.sandbox.throwaway_tokens import ec_key, jwk, rsa_key
from tests.integration.sandbox.trusting_account import (
    ASSUME,
    SET_SOURCE_IDENTITY,
    TAG,
    Attempt,
    TrustingAccount,
)

ANY_TEXT = ""
"""AWS's text is not recorded, so the sandbox's own is not held to anything."""

UNSEEN_TOKEN = Refused(ANY_TEXT)
UNSEEN_DENIAL = Refused(ANY_TEXT, code="AccessDenied", status=403)
BAD_PARAMETER = Refused(ANY_TEXT, code="ValidationError")
BAD_POLICY = Refused(ANY_TEXT, code="MalformedPolicyDocument")
EXPIRED = Refused(ANY_TEXT, code="ExpiredTokenException")
UNREACHABLE = Refused(ANY_TEXT, code="IDPCommunicationError")


def tags(**values: list[str]) -> dict[str, object]:
    """The nested form of the tags claim."""
    return {TAGS: {"principal_tags": values}}


def policy_arns(*arns: str) -> dict[str, object]:
    """The parameter that narrows a session by managed policies."""
    return {"PolicyArns": [{"arn": arn} for arn in arns]}


TOKENS = {
    "audience that nobody registered": (Attempt(claims={"aud": "other"}), Refused(GEN)),
    "audience of another client": (Attempt(claims={"aud": "client-b"}), DENIED),
    "wrong subject": (Attempt(claims={"sub": "support:another"}), DENIED),
    "issuer without a provider": (
        Attempt(claims={"iss": "https://other.example.test"}),
        UNSEEN_TOKEN,
    ),
    "issuer in another letter case": (Attempt(claims={"iss": "http://LOCALHOST"}), UNSEEN_TOKEN),
    "signed by another issuer's key": (
        Attempt(key=lambda: ec_key("ES256", 2)),
        Refused(GEN),
    ),
    "RSA signature under the kid of an EC key": (
        Attempt(key=lambda: rsa_key(1), header={"alg": "RS256"}),
        Refused(KEY),
    ),
    "tampered": (Attempt(forge=tampered), Refused(GEN)),
    "alg none": (Attempt(forge=unsigned), Refused(NOT_A_JWT)),
    "alg none with a signature": (Attempt(forge=unsigned_with_signature), UNSEEN_TOKEN),
    "HS256 with the public key as secret": (Attempt(forge=keyed_with_public_key), UNSEEN_TOKEN),
    "expired": (Attempt(claims={"exp": Ahead(-301)}), EXPIRED),
    "issued in the future": (
        Attempt(claims={"iat": Ahead(400), "exp": Ahead(700)}),
        UNSEEN_TOKEN,
    ),
    "unknown kid": (Attempt(header={"kid": "unknown"}), Refused(KEY)),
    "no tags": (Attempt(claims={TAGS: ABSENT}), DENIED),
    "no ticket tag": (Attempt(claims=tags(Session=["s-1"])), DENIED),
    "empty ticket tag": (Attempt(claims=tags(Ticket=[""], Session=["s-1"])), DENIED),
    "no session tag": (Attempt(claims=tags(Ticket=["T-1001"])), DENIED),
    "no source identity": (Attempt(claims={SOURCE_IDENTITY: ABSENT}), DENIED),
    "not pinned": (Attempt(claims={ROLES: ABSENT}), DENIED),
    "pinned to another role": (Attempt(claims={ROLES: ["{other_role}"]}), NOTIN),
    "pinned to the role in another letter case": (
        Attempt(claims={ROLES: ["{Role}"]}),
        NOTIN,
    ),
    "trust without sts:TagSession": (Attempt(extra_actions=(SET_SOURCE_IDENTITY,)), UNSEEN_DENIAL),
    "trust without sts:SetSourceIdentity": (Attempt(extra_actions=(TAG,)), UNSEEN_DENIAL),
    "20,001 characters": (Attempt(forge=lambda token: token.ljust(20001, "A")), BAD_PARAMETER),
}

PARAMETERS = {
    "longer than the role's maximum": ({"DurationSeconds": 7201}, BAD_PARAMETER),
    "shorter than 900 s": ({"DurationSeconds": 899}, BAD_PARAMETER),
    "longer than 12 h": ({"DurationSeconds": 43201}, BAD_PARAMETER),
    "session name that is none": ({"RoleSessionName": "two words"}, BAD_PARAMETER),
    "session policy that is none": ({"Policy": "bad policy"}, BAD_POLICY),
    "session policy of 2,049 characters": ({"Policy": " " * 2049}, BAD_PARAMETER),
    "eleven policy ARNs": (
        policy_arns(*["arn:aws:iam::aws:policy/ReadOnlyAccess"] * 11),
        BAD_PARAMETER,
    ),
    "policy ARN of another account": (
        policy_arns("arn:aws:iam::999999999999:policy/Mine"),
        BAD_PARAMETER,
    ),
    "policy ARN that leads nowhere": (
        policy_arns("arn:aws:iam::aws:policy/NoSuchPolicy"),
        BAD_POLICY,
    ),
    "role of an account without the provider": (
        {"RoleArn": "arn:aws:iam::999999999999:role/Support"},
        UNSEEN_TOKEN,
    ),
    "ARN of a user": ({"RoleArn": "arn:aws:iam::{account}:user/somebody"}, BAD_PARAMETER),
}


def assert_refused(account: TrustingAccount, attempt: Attempt, expected: Refused) -> None:
    """The call fails with this code and status, and with this text where one is recorded."""
    with pytest.raises(ClientError) as refusal:
        account.assume(attempt)
    response = refusal.value.response
    assert response["Error"]["Code"] == expected.code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == expected.status
    assert expected.text in (ANY_TEXT, response["Error"]["Message"])


def test_the_whole_token_is_let_in(stage: Stage) -> None:
    """The token that every refusal below differs from in one thing."""
    answer = TrustingAccount.set_up(stage).assume(Attempt())
    assert answer["SourceIdentity"] == "engineer@example.test"
    assert answer["SubjectFromWebIdentityToken"] == f"support:{stage.account_id}"


@pytest.mark.parametrize(("attempt", "expected"), TOKENS.values(), ids=TOKENS)
def test_token_is_refused(attempt: Attempt, expected: Refused, stage: Stage) -> None:
    """One thing is wrong with the token or the trust, and AWS's code says so."""
    account = TrustingAccount.set_up(stage, extra_actions=attempt.extra_actions)
    assert_refused(account, attempt, expected)


@pytest.mark.parametrize(("parameters", "expected"), PARAMETERS.values(), ids=PARAMETERS)
def test_parameters_are_refused(
    parameters: dict[str, object], expected: Refused, stage: Stage
) -> None:
    """The token is right, and what is asked for with it is not."""
    assert_refused(TrustingAccount.set_up(stage), Attempt(parameters=parameters), expected)


def test_role_that_does_not_exist(stage: Stage) -> None:
    """AWS answers as if the trust policy refused, so that nobody can look for role names."""
    attempt = Attempt(claims={ROLES: ["{other_role}"]}, parameters={"RoleArn": "{other_role}"})
    assert_refused(TrustingAccount.set_up(stage), attempt, DENIED)


def test_issuer_that_serves_nothing(stage: Stage) -> None:
    """The issuer answers 404: the call may be tried again."""
    account = TrustingAccount.set_up(stage)
    stage.issuers.withdraw(account.issuer_name)
    assert_refused(account, Attempt(), UNREACHABLE)


def test_issuer_that_is_down(stage: Stage) -> None:
    """Nobody listens at the issuer's address any more: the call may be tried again."""
    with LoopbackIssuers() as failing:
        account = TrustingAccount.set_up(replace(stage, issuers=failing))
        assert account.assume(Attempt())
    assert_refused(account, Attempt(), UNREACHABLE)


def test_discovery_that_names_another_issuer(stage: Stage) -> None:
    """The document must be the issuer's own."""
    account = TrustingAccount.set_up(stage)
    keys = [jwk(ec_key("ES256"), kid="active")]
    stage.issuers.publish(account.issuer_name, keys, issuer="https://other.example.test")
    assert_refused(account, Attempt(), Refused(KEY))


def test_token_of_one_issuer_at_the_role_of_another(stage: Stage) -> None:
    """IAM knows both issuers, and still each role takes only its own."""
    here, there = TrustingAccount.set_up(stage), TrustingAccount.set_up(stage)
    at_the_other = {"RoleArn": there.scenery.role}
    assert_refused(here, Attempt(parameters=at_the_other), NOTIN)
    pinned_there = {ROLES: [there.scenery.role]}
    assert_refused(here, Attempt(claims=pinned_there, parameters=at_the_other), DENIED)


def test_algorithm_that_discovery_does_not_advertise(stage: Stage) -> None:
    """Not recorded, so refused; a document that lists none is no obstacle."""
    account = TrustingAccount.set_up(stage)
    keys = [jwk(ec_key("ES256"), kid="active")]
    listed = {"id_token_signing_alg_values_supported": ["RS256"]}
    stage.issuers.publish(account.issuer_name, keys, **listed)
    assert_refused(account, Attempt(), UNSEEN_TOKEN)


def test_issuer_without_keys(stage: Stage) -> None:
    """Not recorded: an empty key set counts as an issuer that did not answer."""
    account = TrustingAccount.set_up(stage)
    stage.issuers.publish(account.issuer_name, [])
    assert_refused(account, Attempt(), UNREACHABLE)


def test_pinning_demanded_of_every_action(stage: Stage) -> None:
    """IAM lists sts:RoleAuthorizedByIdp for AssumeRoleWithWebIdentity alone.

    A statement that demands it of all three actions therefore lets no tagged session in.
    """
    account = TrustingAccount.set_up(stage)
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": account.scenery.provider},
        "Action": [ASSUME, TAG, SET_SOURCE_IDENTITY],
        "Condition": {"Bool": {"sts:RoleAuthorizedByIdp": "true"}},
    }
    demanding = TrustingAccount(
        stage, account.issuer_name, account.scenery.with_role(stage.create_role([statement]))
    )
    assert_refused(demanding, Attempt(), UNSEEN_DENIAL)
    assert demanding.assume(Attempt(claims={TAGS: ABSENT, SOURCE_IDENTITY: ABSENT}))
