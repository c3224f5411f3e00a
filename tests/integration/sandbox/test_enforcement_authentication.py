"""Who may call at all: real signatures of known, live credentials, and nothing else."""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.caller import Caller, code_of, trust_of

ACCOUNT = "300000000001"


@pytest.fixture(scope="module")
def owner(sandbox: Sandbox) -> Caller:
    return Caller.owner(sandbox, sandbox.create_account(ACCOUNT))


@pytest.fixture(scope="module")
def session(owner: Caller) -> Caller:
    """A live session of a role that may do everything."""
    iam = owner.client("iam")
    role = iam.create_role(RoleName="Any", AssumeRolePolicyDocument=trust_of(ACCOUNT))["Role"]
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_role_policy(RoleName="Any", PolicyArn=arn)
    return owner.assume(role["Arn"])


@pytest.fixture
def later(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, whose clock is right again afterwards."""
    yield sandbox
    sandbox.set_clock(0)


CALLS: dict[str, Any] = {
    "sts": lambda caller: caller.client("sts").get_caller_identity(),
    "iam": lambda caller: caller.client("iam").list_roles(),
    "kms": lambda caller: caller.client("kms").list_keys(),
    "s3": lambda caller: caller.client("s3").list_buckets(),
    "ec2": lambda caller: caller.client("ec2").describe_instances(),
    "lambda": lambda caller: caller.client("lambda").list_functions(),
}


@pytest.mark.parametrize("service", CALLS)
def test_true_credentials_pass(service: str, owner: Caller, session: Caller) -> None:
    """Long-lived and temporary credentials work in every protocol."""
    for caller in (owner, session):
        assert CALLS[service](caller)["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("sts", "InvalidClientTokenId"),
        ("iam", "InvalidClientTokenId"),
        ("kms", "UnrecognizedClientException"),
        ("s3", "InvalidAccessKeyId"),
        ("ec2", "AuthFailure"),
        ("lambda", "UnrecognizedClientException"),
    ],
)
def test_forged_access_key(service: str, code: str, owner: Caller) -> None:
    """An access key that the sandbox never gave out."""
    with pytest.raises(ClientError) as caught:
        CALLS[service](replace(owner, access_key_id="AKIA" + "A" * 16))
    assert code_of(caught.value) == code


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("sts", "SignatureDoesNotMatch"),
        ("kms", "InvalidSignatureException"),
        ("s3", "SignatureDoesNotMatch"),
        ("ec2", "AuthFailure"),
    ],
)
def test_wrong_secret(service: str, code: str, session: Caller) -> None:
    """The right access key with another secret."""
    with pytest.raises(ClientError) as caught:
        CALLS[service](replace(session, secret_access_key=secrets.token_urlsafe(30)))
    assert code_of(caught.value) == code


@pytest.mark.parametrize("token", [None, "another"])
@pytest.mark.parametrize(
    ("service", "code"), [("sts", "InvalidClientTokenId"), ("s3", "InvalidToken")]
)
def test_wrong_session_token(token: str | None, service: str, code: str, session: Caller) -> None:
    """Temporary credentials are nothing without their session token."""
    with pytest.raises(ClientError) as caught:
        CALLS[service](replace(session, session_token=token))
    assert code_of(caught.value) == code


def test_session_token_beside_a_long_lived_key(owner: Caller) -> None:
    """A long-lived key has no session token."""
    with pytest.raises(ClientError) as caught:
        CALLS["sts"](replace(owner, session_token="another"))
    assert code_of(caught.value) == "InvalidClientTokenId"


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("sts", "ExpiredToken"),
        ("kms", "ExpiredTokenException"),
        ("s3", "ExpiredToken"),
        ("ec2", "RequestExpired"),
    ],
)
def test_expired_credentials(service: str, code: str, session: Caller, later: Sandbox) -> None:
    """An hour later the session is over, and says so."""
    later.set_clock(3599 - 60)
    CALLS[service](session)
    later.set_clock(3601)
    with pytest.raises(ClientError) as caught:
        CALLS[service](session)
    assert code_of(caught.value) == code


def test_inactive_key(sandbox: Sandbox, owner: Caller) -> None:
    """A deactivated access key is no key."""
    iam = owner.client("iam")
    iam.create_user(UserName="leaver")
    key = iam.create_access_key(UserName="leaver")["AccessKey"]
    leaver = Caller(sandbox, key["AccessKeyId"], key["SecretAccessKey"])
    CALLS["sts"](leaver)
    iam.update_access_key(UserName="leaver", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError) as caught:
        CALLS["sts"](leaver)
    assert code_of(caught.value) == "InvalidClientTokenId"


def test_role_made_anew_has_no_old_sessions(owner: Caller) -> None:
    """Sessions belong to the role that was, not to the next one of its name."""
    iam = owner.client("iam")
    trust = trust_of(ACCOUNT)
    role = iam.create_role(RoleName="Twice", AssumeRolePolicyDocument=trust)["Role"]
    first = owner.assume(role["Arn"])
    CALLS["sts"](first)
    iam.delete_role(RoleName="Twice")
    iam.create_role(RoleName="Twice", AssumeRolePolicyDocument=trust)
    with pytest.raises(ClientError) as caught:
        CALLS["sts"](first)
    assert code_of(caught.value) == "InvalidClientTokenId"


class Signed:
    """A signed ListRoles, to be tampered with on its way."""

    def __init__(self, owner: Caller) -> None:
        self.body = "Action=ListRoles&Version=2010-05-08"
        request = AWSRequest(
            method="POST",
            url=owner.sandbox.url + "/",
            data=self.body,
            headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        )
        credentials = Credentials(owner.access_key_id, owner.secret_access_key)
        SigV4Auth(credentials, "iam", "us-east-1").add_auth(request)
        self.url = owner.sandbox.url + "/"
        self.headers = dict(request.headers.items())

    def send(self) -> httpx.Response:
        return httpx.post(
            self.url, content=self.body, headers=self.headers, timeout=10, trust_env=False
        )


@pytest.fixture
def signed(owner: Caller) -> Signed:
    return Signed(owner)


def test_untouched(signed: Signed) -> None:
    """The request that the cases below tamper with is a good one."""
    assert signed.send().status_code == 200


def test_other_body(signed: Signed) -> None:
    """The body is under the signature."""
    signed.body = "Action=ListUsers&Version=2010-05-08"
    assert "SignatureDoesNotMatch" in signed.send().text


def test_other_query(signed: Signed) -> None:
    """So is the query."""
    signed.url += "?Action=ListUsers"
    assert "SignatureDoesNotMatch" in signed.send().text


def test_unsigned_header_of_aws(signed: Signed) -> None:
    """A header that changes what is done must be signed."""
    signed.headers["X-Amz-Target"] = "TrentService.ListKeys"
    assert signed.send().status_code == 400
    assert "InvalidSignatureException" in signed.send().text


def test_stated_hash_of_another_body(signed: Signed) -> None:
    """The hash that is signed must be the body's."""
    signed.headers["X-Amz-Content-SHA256"] = hashlib.sha256(b"other").hexdigest()
    assert signed.send().status_code == 403


@pytest.mark.parametrize("header", ["", "Basic eDp5", "AWS4-HMAC-SHA256 Credential=x", "AWS a:b"])
def test_broken_authorization(header: str, signed: Signed) -> None:
    """What is no complete Version 4 signature is refused before anything else."""
    signed.headers["Authorization"] = header
    assert signed.send().status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("GET", "/"),
        ("GET", "/?Action=GetCallerIdentity"),
        ("PUT", "/some-bucket"),
        ("POST", "/?Action=AssumeRoleWithWebIdentity"),
    ],
)
def test_unsigned(method: str, path: str, sandbox: Sandbox, signed: Signed) -> None:
    """No call is open to everybody, other than AssumeRoleWithWebIdentity in a form."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    content = signed.body if method == "POST" else b""
    reply = httpx.request(
        method, sandbox.url + path, content=content, headers=headers, trust_env=False
    )
    assert reply.status_code == 403
    assert "Missing" in reply.text


@pytest.mark.parametrize(
    "path", ["/moto-api/", "/moto-api/reset", "/%6doto-api/data.json", "/latest/meta-data/x"]
)
def test_motos_own_interface_is_closed(path: str, sandbox: Sandbox) -> None:
    """Nobody resets the sandbox's state or reads it past the gate."""
    assert httpx.post(sandbox.url + path, trust_env=False).status_code == 404


def test_foreign_host(signed: Signed) -> None:
    """A web page that rebinds its name to loopback finds nothing here."""
    signed.headers["Host"] = "iam.amazonaws.com"
    assert signed.send().status_code == 404


def test_account_cannot_be_chosen(signed: Signed) -> None:
    """moto's header for choosing an account has no effect: the key decides."""
    signed.headers["x-moto-account-id"] = "999999999999"
    reply = signed.send()
    assert reply.status_code == 200
    assert "999999999999" not in reply.text


def test_connection_is_kept(sandbox: Sandbox) -> None:
    """Twenty refused uploads over one connection: each body is taken off it whole."""
    with httpx.Client(
        base_url=sandbox.url, limits=httpx.Limits(max_connections=1), trust_env=False
    ) as client:
        replies = [client.put("/some-bucket/key", content=b"x" * 100_000) for _ in range(20)]
        kept = {id(each.extensions["network_stream"]) for each in replies}
    assert [each.status_code for each in replies] == [403] * 20
    assert len(kept) == 1
