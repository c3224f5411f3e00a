"""What moto gets wrong in KMS and IAM, put right."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.caller import Caller, code_of, policy, trust_of

ACCOUNT = "300000000006"


@pytest.fixture(scope="module")
def owner(sandbox: Sandbox) -> Caller:
    return Caller.owner(sandbox, sandbox.create_account(ACCOUNT))


@pytest.fixture(scope="module")
def kms(owner: Caller) -> Any:
    return owner.client("kms")


def new_key(kms: Any, spec: str = "ECC_NIST_P256") -> str:
    made = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    return str(made["KeyMetadata"]["KeyId"])


def verify_outside(kms: Any, key_id: str, algorithm: str, message: bytes, signature: bytes) -> None:
    """With the published key and the cryptography package alone; InvalidSignature otherwise."""
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        return
    assert isinstance(public, rsa.RSAPublicKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    scheme = pss if "PSS" in algorithm else padding.PKCS1v15()
    public.verify(signature, message, scheme, hashes.SHA256())


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
    ],
)
def test_digest_is_signed_as_it_is(spec: str, algorithm: str, kms: Any) -> None:
    """RAW over a message and DIGEST over its hash are signatures of the same message."""
    key_id, message = new_key(kms, spec), b"header.payload"
    digest = hashlib.sha256(message).digest()
    for kind, content in (("RAW", message), ("DIGEST", digest)):
        signature = kms.sign(
            KeyId=key_id, Message=content, MessageType=kind, SigningAlgorithm=algorithm
        )["Signature"]
        verify_outside(kms, key_id, algorithm, message, signature)
        for other, verified in (("RAW", message), ("DIGEST", digest)):
            answer = kms.verify(
                KeyId=key_id,
                Message=verified,
                MessageType=other,
                Signature=signature,
                SigningAlgorithm=algorithm,
            )
            assert answer["SignatureValid"] is True


def test_wrong_signature(kms: Any) -> None:
    """Verify refuses a signature of something else."""
    key_id, how = new_key(kms), {"SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(KeyId=key_id, Message=b"one", **how)["Signature"]
    with pytest.raises(ClientError, match="KMSInvalidSignatureException"):
        kms.verify(KeyId=key_id, Message=b"two", Signature=signature, **how)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"Message": b"x" * 31, "MessageType": "DIGEST"}, "ValidationException"),
        ({"Message": b"x" * 4097}, "ValidationException"),
        ({"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_384"}, "InvalidKeyUsageException"),
        (
            {"Message": b"x", "SigningAlgorithm": "RSASSA_PSS_SHA_256"},
            "InvalidKeyUsageException",
        ),
    ],
)
def test_bad_signing_request(parameters: dict[str, Any], code: str, kms: Any) -> None:
    """Lengths and algorithms are checked."""
    with pytest.raises(ClientError) as caught:
        kms.sign(KeyId=new_key(kms), **{"SigningAlgorithm": "ECDSA_SHA_256", **parameters})
    assert code_of(caught.value) == code


def test_key_state(kms: Any) -> None:
    """A disabled key and one that waits for its deletion do not sign; an enabled one does."""
    key_id = new_key(kms)
    request = {"KeyId": key_id, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
    kms.disable_key(KeyId=key_id)
    with pytest.raises(ClientError, match="DisabledException"):
        kms.sign(**request)
    kms.enable_key(KeyId=key_id)
    kms.sign(**request)
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    with pytest.raises(ClientError, match="KMSInvalidStateException"):
        kms.sign(**request)


def test_key_of_another_account(kms: Any) -> None:
    """An ARN that names another account is not read as one's own key."""
    arn = f"arn:aws:kms:us-east-1:999999999999:key/{new_key(kms)}"
    with pytest.raises(ClientError, match="NotFoundException"):
        kms.sign(KeyId=arn, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")


def test_key_policy_is_not_ignored(kms: Any) -> None:
    """Since key policies are not evaluated, none but the default one can be set."""
    with pytest.raises(ClientError, match="UnsupportedOperationException"):
        kms.create_key(Policy=policy({"Effect": "Deny"}))
    with pytest.raises(ClientError, match="UnsupportedOperationException"):
        kms.put_key_policy(KeyId=new_key(kms), Policy=policy({"Effect": "Deny"}))


def test_user_limited_to_one_key(owner: Caller, kms: Any, sandbox: Sandbox) -> None:
    """A key's ARN, whichever way the caller names it, is what its permission is about."""
    allowed, other = new_key(kms), new_key(kms)
    kms.create_alias(AliasName="alias/allowed", TargetKeyId=allowed)
    iam = owner.client("iam")
    iam.create_user(UserName="signer")
    document = policy(
        {"Action": "kms:Sign", "Resource": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{allowed}"}
    )
    iam.put_user_policy(UserName="signer", PolicyName="sign", PolicyDocument=document)
    key = iam.create_access_key(UserName="signer")["AccessKey"]
    signer = Caller(sandbox, key["AccessKeyId"], key["SecretAccessKey"]).client("kms")
    for name in (allowed, "alias/allowed"):
        signer.sign(KeyId=name, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")
    for name in (other, "alias/missing"):
        with pytest.raises(ClientError, match="AccessDeniedException"):
            signer.sign(KeyId=name, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")


def test_key_found_by_its_tag(owner: Caller, kms: Any, sandbox: Sandbox) -> None:
    """Permissions by the tags of keys, and by those that a request brings."""
    iam = owner.client("iam")
    iam.create_user(UserName="tagger")
    document = policy(
        {
            "Action": ["kms:CreateKey", "kms:TagResource"],
            "Condition": {"StringEquals": {"aws:RequestTag/owner": "broker"}},
        },
        {
            "Action": "kms:Sign",
            "Condition": {"StringEquals": {"aws:ResourceTag/owner": "broker"}},
        },
    )
    iam.put_user_policy(UserName="tagger", PolicyName="by-tag", PolicyDocument=document)
    key = iam.create_access_key(UserName="tagger")["AccessKey"]
    tagger = Caller(sandbox, key["AccessKeyId"], key["SecretAccessKey"]).client("kms")
    how = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
    made = tagger.create_key(Tags=[{"TagKey": "owner", "TagValue": "broker"}], **how)
    signing = {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
    tagger.sign(KeyId=made["KeyMetadata"]["KeyId"], **signing)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        tagger.create_key(**how)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        tagger.sign(KeyId=new_key(kms), **signing)


TRUST = trust_of(ACCOUNT)
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.fixture
def iam(owner: Caller) -> Iterator[Any]:
    """IAM with one role, `Checked`, which is gone afterwards."""
    client = owner.client("iam")
    client.create_role(RoleName="Checked", AssumeRolePolicyDocument=TRUST)
    yield client
    for attached in client.list_attached_role_policies(RoleName="Checked")["AttachedPolicies"]:
        client.detach_role_policy(RoleName="Checked", PolicyArn=attached["PolicyArn"])
    for name in client.list_role_policies(RoleName="Checked")["PolicyNames"]:
        client.delete_role_policy(RoleName="Checked", PolicyName=name)
    client.delete_role(RoleName="Checked")


def trust_with(**members: Any) -> str:
    document = json.loads(TRUST)
    document["Statement"][0].update(members)
    return json.dumps({**document, "Statement": document["Statement"]})


def trust_of_size(size: int) -> str:
    """A trust policy of so many characters, which white space does not add to."""
    text = trust_with(Sid="")
    padded = trust_with(Sid="a" * (size - len("".join(text.split()))))
    return json.dumps(json.loads(padded), indent=8)


@pytest.mark.parametrize(
    ("trust", "code"),
    [
        (policy({"Action": "sts:AssumeRole"}), "MalformedPolicyDocument"),
        ("{", "MalformedPolicyDocument"),
        (trust_with(Principal="nobody"), "MalformedPolicyDocument"),
        (trust_with(Action="sts:*"), "MalformedPolicyDocument"),
        (trust_with(Action="STS:AssumeRole"), "MalformedPolicyDocument"),
        (trust_with(Action="s3:GetObject"), "MalformedPolicyDocument"),
        (trust_with(Condition={"StringIs": {"a": "b"}}), "MalformedPolicyDocument"),
        (trust_of_size(2049), "LimitExceeded"),
    ],
)
def test_bad_trust_policy(trust: str, code: str, iam: Any) -> None:
    """Refused at creation and at the update alike."""
    with pytest.raises(ClientError) as created:
        iam.create_role(RoleName="Never", AssumeRolePolicyDocument=trust)
    with pytest.raises(ClientError) as updated:
        iam.update_assume_role_policy(RoleName="Checked", PolicyDocument=trust)
    assert code_of(created.value) == code_of(updated.value) == code


def test_trust_policy_of_the_full_size(iam: Any) -> None:
    """2,048 characters fit, and white space does not count."""
    iam.update_assume_role_policy(RoleName="Checked", PolicyDocument=trust_of_size(2048))


@pytest.mark.parametrize("duration", [3599, 43201, 99999])
def test_bad_session_duration(duration: int, iam: Any) -> None:
    """A role's maximum is between one hour and twelve."""
    with pytest.raises(ClientError, match="maxSessionDuration"):
        iam.create_role(
            RoleName="Never", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=duration
        )
    with pytest.raises(ClientError, match="maxSessionDuration"):
        iam.update_role(RoleName="Checked", MaxSessionDuration=duration)


def test_inline_policies_share_a_quota(iam: Any) -> None:
    """10,240 characters for all inline policies of a role together."""
    large = policy({"Resource": [f"arn:aws:s3:::{'b' * 60}{number}/*" for number in range(65)]})
    iam.put_role_policy(RoleName="Checked", PolicyName="one", PolicyDocument=large)
    iam.put_role_policy(RoleName="Checked", PolicyName="one", PolicyDocument=large)
    with pytest.raises(ClientError, match="LimitExceeded"):
        iam.put_role_policy(RoleName="Checked", PolicyName="two", PolicyDocument=large)


def test_managed_policies_have_a_quota(iam: Any) -> None:
    """Ten managed policies a role; one of them again is no eleventh."""
    policies = iam.list_policies(Scope="AWS", MaxItems=11)["Policies"]
    for each in policies[:10]:
        iam.attach_role_policy(RoleName="Checked", PolicyArn=each["Arn"])
    iam.attach_role_policy(RoleName="Checked", PolicyArn=policies[0]["Arn"])
    with pytest.raises(ClientError, match="LimitExceeded"):
        iam.attach_role_policy(RoleName="Checked", PolicyArn=policies[10]["Arn"])


def test_boundary_must_exist(iam: Any) -> None:
    """A permissions boundary is the ARN of a policy that is there."""
    missing = "arn:aws:iam::aws:policy/NoSuchPolicy"
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.put_role_permissions_boundary(RoleName="Checked", PermissionsBoundary=missing)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.create_role(
            RoleName="Never", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=missing
        )
    iam.put_role_permissions_boundary(RoleName="Checked", PermissionsBoundary=READ_ONLY)
