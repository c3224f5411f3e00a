"""KMS keys: the exact calls, what is left behind when one fails, and what each error means.

The answers are botocore's stubs of the documented ones, the part in which moto is too lenient.
"""

from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.stub import Stubber
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.errors import (
    InvalidKey,
    InvalidSignature,
    KeyNotUsable,
    KeyProviderError,
    KeyUnavailable,
    ProviderRefused,
    SigningInputTooLarge,
)
from keys.jose import public_jwk
from keys.kms import KmsKeyProvider
from keys.kms_errors import translated
from keys.types import Algorithm, KeyOwner, KeyReference, ProviderKeyState

OWNER = KeyOwner(account_id="111122223333", issuer_id="Zk3vQ0a9sT_b-7LmXy2d-and-more")
ARN = "arn:aws:kms:eu-west-1:999988887777:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PUBLIC_KEYS = {
    Algorithm.ES256: ec.generate_private_key(ec.SECP256R1()).public_key(),
    Algorithm.RS256: rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key(),
}
SPKI = {
    algorithm: key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for algorithm, key in PUBLIC_KEYS.items()
}
REFERENCES = {
    algorithm: KeyReference(provider="kms", locator=ARN, public_jwk=public_jwk(key))
    for algorithm, key in PUBLIC_KEYS.items()
}
REFERENCE = REFERENCES[Algorithm.ES256]


class RawBody:
    """The body of a response that botocore has yet to read."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def stream(self) -> Iterator[bytes]:
        yield self._octets


@pytest.fixture(scope="module")
def session() -> boto3.session.Session:
    """What takes long to build; clients of one session share nothing that these tests change."""
    return boto3.session.Session()


@pytest.fixture
def kms_client(session) -> Callable[..., BaseClient]:
    return lambda endpoint_url=None: session.client(
        "kms",
        region_name="eu-west-1",
        endpoint_url=endpoint_url,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="not-a-secret",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=2),
    )


@pytest.fixture
def client(kms_client) -> BaseClient:
    return kms_client()


@pytest.fixture
def kms(client: BaseClient) -> Iterator[Stubber]:
    """Refuses every call that was not announced, and misses every one that did not come."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def provider(client: BaseClient) -> KmsKeyProvider:
    return KmsKeyProvider(client, alias_prefix="support/broker", tags={"Service": "broker"})


def expect_create_key(kms: Stubber) -> None:
    kms.add_response("create_key", {"KeyMetadata": {"KeyId": ARN.rpartition("/")[2], "Arn": ARN}})


def expect_public_key(kms: Stubber, algorithm: Algorithm) -> None:
    kms.add_response("get_public_key", {"PublicKey": SPKI[algorithm]}, {"KeyId": ARN})


def expect_deletion(kms: Stubber, days: int) -> None:
    kms.add_response("schedule_key_deletion", {}, {"KeyId": ARN, "PendingWindowInDays": days})


def expect_state(kms: Stubber, state: str) -> None:
    metadata = {"KeyId": ARN.rpartition("/")[2], "KeyState": state}
    kms.add_response("describe_key", {"KeyMetadata": metadata}, {"KeyId": ARN})


def expect_error(kms: Stubber, method: str, code: str, status: int = 400) -> None:
    kms.add_client_error(
        method, service_error_code=code, service_message=f"{ARN} said no", http_status_code=status
    )


@pytest.mark.parametrize(
    ("algorithm", "key_spec"),
    [(Algorithm.ES256, "ECC_NIST_P256"), (Algorithm.RS256, "RSA_2048")],
)
def test_a_key_is_made_with_its_owners_name_on_it(kms, provider, algorithm, key_spec):
    """Key specification, tags and alias, as KMS gets them."""
    kms.add_response(
        "create_key",
        {"KeyMetadata": {"KeyId": "1234abcd", "Arn": ARN}},
        {
            "Description": "Signs as the OpenID Connect issuer of account 111122223333",
            "KeyUsage": "SIGN_VERIFY",
            "KeySpec": key_spec,
            "Origin": "AWS_KMS",
            "MultiRegion": False,
            "Tags": [
                {"TagKey": "Service", "TagValue": "broker"},
                {"TagKey": "AccountId", "TagValue": "111122223333"},
                {"TagKey": "IssuerId", "TagValue": "Zk3vQ0a9sT_b-7LmXy2d-and-more"},
            ],
        },
    )
    expect_public_key(kms, algorithm)
    kid = REFERENCES[algorithm].kid
    kms.add_response(
        "create_alias",
        {},
        {
            "AliasName": f"alias/support/broker/111122223333/Zk3vQ0a9sT_b-7Lm/{kid[:16]}",
            "TargetKeyId": ARN,
        },
    )

    assert provider.create(owner=OWNER, algorithm=algorithm) == REFERENCES[algorithm]


@pytest.mark.parametrize(
    ("failing", "code", "status", "error"),
    [
        ("get_public_key", "KMSInternalException", 500, KeyUnavailable),
        ("get_public_key", "AccessDeniedException", 400, ProviderRefused),
        ("get_public_key", "NotFoundException", 400, KeyUnavailable),
        ("create_alias", "ThrottlingException", 400, KeyUnavailable),
        ("create_alias", "LimitExceededException", 400, ProviderRefused),
        ("create_alias", "AlreadyExistsException", 400, ProviderRefused),
        ("create_alias", "NotFoundException", 400, KeyUnavailable),
    ],
)
def test_a_half_made_key_is_scheduled_for_deletion(kms, provider, failing, code, status, error):
    """No record will own it: it goes after the shortest wait, and the caller hears why.

    A key that KMS does not know yet, right after it was made, is worth another try.
    """
    expect_create_key(kms)
    if failing == "create_alias":
        expect_public_key(kms, Algorithm.ES256)
    expect_error(kms, failing, code, status)
    expect_deletion(kms, 7)

    with pytest.raises(error):
        provider.create(owner=OWNER, algorithm=Algorithm.ES256)


def test_a_key_of_another_type_than_asked_for_is_scheduled_for_deletion(kms, provider):
    """Whatever answered, it is not what the account's tokens will be verified with."""
    expect_create_key(kms)
    expect_public_key(kms, Algorithm.RS256)
    expect_deletion(kms, 7)

    with pytest.raises(InvalidKey, match="another type"):
        provider.create(owner=OWNER, algorithm=Algorithm.ES256)


def test_a_key_that_stays_behind_is_told_of(kms, provider):
    """When the deletion fails too, the first error is raised and carries the second as a note."""
    expect_create_key(kms)
    expect_public_key(kms, Algorithm.ES256)
    expect_error(kms, "create_alias", "LimitExceededException")
    expect_error(kms, "schedule_key_deletion", "KMSInternalException", 500)

    with pytest.raises(ProviderRefused, match="LimitExceededException") as raised:
        provider.create(owner=OWNER, algorithm=Algorithm.ES256)

    (note,) = raised.value.__notes__
    assert "stays behind" in note
    assert "KMSInternalException" in note
    assert ARN not in note


def test_a_key_that_was_never_made_leaves_nothing_to_delete(kms, provider):
    """The first step fails: one call, one error."""
    expect_error(kms, "create_key", "LimitExceededException")

    with pytest.raises(ProviderRefused, match="cannot create a key"):
        provider.create(owner=OWNER, algorithm=Algorithm.ES256)


@pytest.mark.parametrize(
    "owner",
    [
        KeyOwner(account_id="111122223333", issuer_id="with space"),
        KeyOwner(account_id="111122223333", issuer_id="with/slash"),
        KeyOwner(account_id="111122223333", issuer_id=""),
        KeyOwner(account_id="1111\n", issuer_id="abc"),
    ],
)
@pytest.mark.usefixtures("kms")
def test_an_owner_that_no_alias_can_name_is_refused_before_a_key_is_made(provider, owner):
    """An id with a slash would put its key among somebody else's."""
    with pytest.raises(ValueError, match="alias"):
        provider.create(owner=owner, algorithm=Algorithm.ES256)


@pytest.mark.parametrize(
    "prefix", ["", "aws/broker", "/broker", "broker/", "a//b", "with space", "ünï", "broker\n"]
)
def test_an_alias_prefix_that_kms_does_not_take_is_refused(client, prefix):
    """At start, and not with the first account."""
    with pytest.raises(ValueError, match="alias"):
        KmsKeyProvider(client, alias_prefix=prefix, tags={})


@pytest.mark.parametrize(
    ("algorithm", "kms_algorithm", "answered", "signature"),
    [
        (
            Algorithm.ES256,
            "ECDSA_SHA_256",
            encode_dss_signature(1, 2**255),
            (1).to_bytes(32, "big") + (2**255).to_bytes(32, "big"),
        ),
        (Algorithm.RS256, "RSASSA_PKCS1_V1_5_SHA_256", b"s" * 256, b"s" * 256),
    ],
)
def test_the_signing_input_is_sent_as_it_is(
    kms, provider, algorithm, kms_algorithm, answered, signature
):
    """RAW: KMS hashes it. DER comes back for ES256 and becomes r || s."""
    kms.add_response(
        "sign",
        {"KeyId": ARN, "Signature": answered},
        {
            "KeyId": ARN,
            "Message": b"header.claims",
            "MessageType": "RAW",
            "SigningAlgorithm": kms_algorithm,
        },
    )

    assert provider.signer(REFERENCES[algorithm]).sign(b"header.claims") == signature


@pytest.mark.usefixtures("kms")
def test_a_signing_input_that_is_too_large_costs_no_call(provider):
    """Refused here, with a sentence, rather than by KMS."""
    with pytest.raises(SigningInputTooLarge):
        provider.signer(REFERENCE).sign(bytes(4097))


def test_an_answer_that_is_no_signature_is_refused(kms, provider):
    """It never gets into a token."""
    kms.add_response("sign", {"Signature": b"garbage"})

    with pytest.raises(InvalidSignature):
        provider.signer(REFERENCE).sign(b"header.claims")


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("DisabledException", 400, KeyNotUsable),
        ("KMSInvalidStateException", 400, KeyNotUsable),
        ("NotFoundException", 400, KeyNotUsable),
        ("InvalidKeyUsageException", 400, KeyNotUsable),
        ("ThrottlingException", 400, KeyUnavailable),
        ("DependencyTimeoutException", 503, KeyUnavailable),
        ("KeyUnavailableException", 500, KeyUnavailable),
        ("KMSInternalException", 500, KeyUnavailable),
        ("Unknown", 502, KeyUnavailable),
        ("AccessDeniedException", 400, ProviderRefused),
        ("ExpiredTokenException", 400, ProviderRefused),
        ("UnrecognizedClientException", 400, ProviderRefused),
    ],
)
def test_every_error_says_what_to_do_next(kms, provider, code, status, error):
    """Another key, another try, or an operator; AWS's text, which has the ARN, stays out of it."""
    expect_error(kms, "sign", code, status)

    with pytest.raises(KeyProviderError) as raised:
        provider.signer(REFERENCE).sign(b"header.claims")

    assert type(raised.value) is error
    assert code in str(raised.value)
    assert "arn:" not in str(raised.value)
    assert ARN in str(raised.value.__cause__)


def test_nobody_listens(kms_client):
    """A refused connection is worth another try."""
    provider = KmsKeyProvider(kms_client("http://127.0.0.1:1"), alias_prefix="broker", tags={})

    with pytest.raises(KeyUnavailable, match="EndpointConnectionError"):
        provider.signer(REFERENCE).sign(b"header.claims")


@pytest.mark.parametrize("page", [b"<html>Sign in to the hotel's network</html>", b"{}", b""])
@pytest.mark.parametrize(
    "call",
    [
        lambda provider: provider.signer(REFERENCE).sign(b"header.claims"),
        lambda provider: provider.describe(REFERENCE),
        lambda provider: provider.create(owner=OWNER, algorithm=Algorithm.ES256),
    ],
    ids=["sign", "describe", "create"],
)
def test_somebody_else_answers(client, provider, call, page):
    """A proxy's page instead of KMS's JSON is worth another try, and no KeyError."""
    client.meta.events.register(
        "before-send.kms",
        lambda request, **_: AWSResponse(request.url, 200, {}, RawBody(page)),
    )

    with pytest.raises(KeyUnavailable, match="not KMS"):
        call(provider)


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (NoCredentialsError(), ProviderRefused),
        (
            PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            ProviderRefused,
        ),
        (CredentialRetrievalError(provider="iam-role", error_msg="timed out"), KeyUnavailable),
    ],
)
def test_missing_credentials(raised, error):
    """None at all is a matter of settings; those of the machine's role may come with a retry."""
    with pytest.raises(error), translated("sign"):
        raise raised


def test_a_mistake_of_our_own_is_not_disguised(provider, client):
    """What botocore finds wrong with a call is a bug here, and stays visible as one."""
    client.meta.events.register(
        "provide-client-params.kms.DescribeKey", lambda params, **_: {**params, "KeyId": 7}
    )

    with pytest.raises(Exception, match="Invalid type for parameter KeyId") as raised:
        provider.describe(REFERENCE)

    assert not isinstance(raised.value, KeyProviderError)


@pytest.mark.parametrize(
    ("kms_state", "state"),
    [
        ("Enabled", ProviderKeyState.ENABLED),
        ("Disabled", ProviderKeyState.DISABLED),
        ("PendingDeletion", ProviderKeyState.PENDING_DELETION),
    ],
)
def test_the_state_is_what_kms_says(kms, provider, kms_state, state):
    """Asked each time, never remembered."""
    expect_state(kms, kms_state)

    assert provider.describe(REFERENCE) is state


def test_a_key_that_kms_does_not_know_is_missing(kms, provider):
    """A finding, not an error."""
    expect_error(kms, "describe_key", "NotFoundException")

    assert provider.describe(REFERENCE) is ProviderKeyState.MISSING


@pytest.mark.parametrize("kms_state", ["Creating", "Updating", "Unavailable", "PendingImport"])
def test_a_passing_state_is_no_answer(kms, provider, kms_state):
    """It is not rounded to one of ours."""
    expect_state(kms, kms_state)

    with pytest.raises(KeyUnavailable, match=kms_state):
        provider.describe(REFERENCE)


@pytest.mark.parametrize(
    ("method", "act"),
    [
        ("disable_key", lambda provider: provider.disable(REFERENCE)),
        ("schedule_key_deletion", lambda provider: provider.schedule_deletion(REFERENCE, days=7)),
    ],
    ids=["disable", "schedule_deletion"],
)
class TestTheEndOfAKeyTwice:
    """A removal that resumes: KMS refuses what is done already, and that is no error."""

    def test_a_key_that_is_scheduled_already(self, kms, provider, method, act):
        """KMS says that the state is wrong; it is the state that was wanted."""
        expect_error(kms, method, "KMSInvalidStateException")
        expect_state(kms, "PendingDeletion")

        act(provider)

    def test_a_key_that_is_gone(self, kms, provider, method, act):
        """Nothing signs any more."""
        expect_error(kms, method, "NotFoundException")
        expect_error(kms, "describe_key", "NotFoundException")

        act(provider)

    def test_a_key_that_still_signs(self, kms, provider, method, act):
        """The refusal had another cause: it is not swallowed."""
        expect_error(kms, method, "KMSInvalidStateException")
        expect_state(kms, "Enabled")

        with pytest.raises(KeyNotUsable):
            act(provider)

    def test_a_call_that_is_refused(self, kms, provider, method, act):
        """Permissions are an operator's matter, whatever the key's state."""
        expect_error(kms, method, "AccessDeniedException")

        with pytest.raises(ProviderRefused):
            act(provider)


def test_the_waiting_time_is_passed_on(kms, provider):
    """Days, as KMS counts them."""
    expect_deletion(kms, 30)

    provider.schedule_deletion(REFERENCE, days=30)
