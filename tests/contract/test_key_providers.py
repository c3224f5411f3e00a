"""What every key provider promises, checked from the published JWK alone.

KMS is moto's, in process. moto keeps signing with disabled keys, so that refusal is shown in the
unit tests of each provider, for KMS with its documented errors.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import jwt
import pytest
from moto import mock_aws
from pydantic import TypeAdapter

from keys.errors import InvalidKey, SigningInputTooLarge
from keys.jose import encode_jws
from keys.kms import KmsKeyProvider
from keys.local import LocalKeyProvider
from keys.types import Algorithm, KeyOwner, KeyProvider, KeyReference, ProviderKeyState

OWNER = KeyOwner(account_id="111122223333", issuer_id="Zk3vQ0a9sT_b-7LmXy2d")
ISSUER = "https://broker.example.com/oidc/Zk3vQ0a9sT_b-7LmXy2d"
AUDIENCE = "sts.amazonaws.com"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["kms", "local"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyProvider]:
    if request.param == "local":
        yield LocalKeyProvider(tmp_path / "keys", passphrase=b"correct horse", clock=lambda: NOW)
        return
    with mock_aws():
        client = boto3.session.Session().client(
            "kms",
            region_name="eu-west-1",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="not-a-secret",
        )
        for action in ("DisableKey", "ScheduleKeyDeletion"):
            client.meta.events.register(f"provide-client-params.kms.{action}", by_key_id)
        yield KmsKeyProvider(client, alias_prefix="support-broker", tags={"Service": "broker"})


def by_key_id(params: dict, **_: object) -> dict:
    """AWS takes a key's ARN in every call; in these two moto finds a key by its bare id only."""
    return {**params, "KeyId": params["KeyId"].rpartition("/")[2]}


@pytest.fixture(params=list(Algorithm))
def algorithm(request: pytest.FixtureRequest) -> Algorithm:
    return request.param


@pytest.fixture
def create(provider: KeyProvider, algorithm: Algorithm) -> Callable[[], KeyReference]:
    return lambda: provider.create(owner=OWNER, algorithm=algorithm)


def verify(token: str, reference: KeyReference) -> dict:
    """Verify as a relying party does that has nothing but the JWKS entry."""
    jwk = jwt.PyJWK(reference.public_jwk.as_dict())
    return jwt.decode(
        token,
        key=jwk,
        algorithms=[reference.algorithm.value],
        audience=AUDIENCE,
        issuer=ISSUER,
        leeway=0,
        options={
            "verify_signature": True,
            "require": ["iss", "sub", "aud", "iat", "nbf", "exp", "jti"],
            "strict_aud": True,
            "verify_aud": True,
            "verify_exp": True,
            "verify_iat": True,
            "verify_iss": True,
            "verify_jti": True,
            "verify_nbf": True,
            "verify_sub": True,
            "enforce_minimum_key_length": True,
        },
    )


def verify_octets(signature: bytes, *, signed: bytes, reference: KeyReference) -> bool:
    """Verify a bare signature with PyJWT's own implementation of the algorithm."""
    jwk = jwt.PyJWK(reference.public_jwk.as_dict())
    return jwk.Algorithm.verify(signed, jwk.key, signature)


def claims() -> dict:
    now = datetime.now(UTC)
    return {
        "iss": ISSUER,
        "sub": "support:111122223333",
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=5)).timestamp()),
        "jti": "k3vQ0a9sTb7LmXy2",
        "https://aws.amazon.com/source_identity": "zoë@example.com",
    }


def test_a_token_verifies_from_the_published_key_alone(provider, create, algorithm):
    """PyJWT accepts what was signed, and the header says with what and by which key."""
    reference = create()
    signed = claims()

    token = encode_jws(signed, signer=provider.signer(reference), typ="JWT")

    assert verify(token, reference) == signed
    assert jwt.get_unverified_header(token) == {
        "alg": algorithm.value,
        "kid": reference.kid,
        "typ": "JWT",
    }


def test_a_token_does_not_verify_under_another_key(provider, create):
    """One account, one key: a sibling's JWK refuses the token, even with the kid overlooked."""
    token = encode_jws(claims(), signer=provider.signer(create()), typ="JWT")

    with pytest.raises(jwt.InvalidSignatureError):
        verify(token, create())


def test_a_tampered_token_does_not_verify(provider, create):
    """The signature covers the claims: another subject under it is refused."""
    reference = create()
    header, _, signature = encode_jws(claims(), signer=provider.signer(reference), typ="JWT").split(
        "."
    )
    forged = json.dumps({**claims(), "sub": "support:444455556666"}).encode()
    payload = base64.urlsafe_b64encode(forged).rstrip(b"=").decode()

    with pytest.raises(jwt.InvalidSignatureError):
        verify(f"{header}.{payload}.{signature}", reference)


def test_the_kid_is_the_thumbprint_of_the_published_key(create, algorithm):
    """RFC 7638, computed here from its definition: required members, sorted, no white space."""
    reference = create()
    jwk = reference.public_jwk.as_dict()
    members = {Algorithm.ES256: ("crv", "kty", "x", "y"), Algorithm.RS256: ("e", "kty", "n")}
    canonical = "{" + ",".join(f'"{name}":"{jwk[name]}"' for name in members[algorithm]) + "}"
    digest = hashlib.sha256(canonical.encode()).digest()

    assert reference.kid == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert set(jwk) == {*members[algorithm], "use", "alg", "kid"}


def test_every_key_is_a_new_one(create):
    """Two calls with the same owner make two keys in two places."""
    first, second = create(), create()

    assert first.kid != second.kid
    assert first.locator != second.locator


def test_a_reference_from_the_store_signs_like_the_first_one(provider, create):
    """What the account's record keeps is all that signing needs."""
    reference = create()
    adapter = TypeAdapter(KeyReference)

    read_back = adapter.validate_json(adapter.dump_json(reference))

    assert read_back == reference
    assert verify(encode_jws(claims(), signer=provider.signer(read_back), typ="JWT"), reference)


def test_signatures_have_the_length_that_jws_wants(provider, create, algorithm):
    """64 bytes for ES256 (r || s, never DER), the length of the modulus for RS256."""
    signer = provider.signer(create())

    lengths = {len(signer.sign(b"%d" % n)) for n in range(20)}

    assert lengths == {64 if algorithm is Algorithm.ES256 else 256}


def test_the_signing_input_is_bounded(provider, create):
    """4,096 bytes are signed, one more is refused: what KMS takes holds for every provider."""
    reference = create()
    signer = provider.signer(reference)
    largest = b"a" * 4096

    assert verify_octets(signer.sign(largest), signed=largest, reference=reference)
    with pytest.raises(SigningInputTooLarge):
        signer.sign(largest + b"a")


def test_a_token_of_too_many_claims_is_refused(provider, create):
    """The bound counts header, dot and claims together, as they are signed."""
    reference = create()

    with pytest.raises(SigningInputTooLarge):
        encode_jws({"filler": "a" * 4000}, signer=provider.signer(reference), typ="JWT")


def test_one_signer_serves_many_threads(provider, create):
    """Sixteen threads with one signer: every signature belongs to its own input."""
    reference = create()
    signer = provider.signer(reference)
    inputs = [b"message %d" % n for n in range(64)]

    with ThreadPoolExecutor(max_workers=16) as threads:
        signatures = list(threads.map(signer.sign, inputs))

    assert all(
        verify_octets(signature, signed=signed, reference=reference)
        for signed, signature in zip(inputs, signatures, strict=True)
    )


def test_a_new_key_is_enabled(provider, create):
    """A key signs from the start; whether it may is a matter of the record's states."""
    assert provider.describe(create()) is ProviderKeyState.ENABLED


def test_disabling_twice_is_the_same_as_once(provider, create):
    """A step that resumes after a crash does no harm."""
    reference = create()

    provider.disable(reference)
    provider.disable(reference)

    assert provider.describe(reference) is ProviderKeyState.DISABLED


def test_a_key_is_scheduled_for_deletion_from_any_state(provider, create):
    """Enabled, disabled, or already scheduled: the end is the same."""
    enabled, disabled = create(), create()
    provider.disable(disabled)

    for reference in (enabled, disabled, disabled):
        provider.schedule_deletion(reference, days=7)

    assert provider.describe(enabled) is ProviderKeyState.PENDING_DELETION
    assert provider.describe(disabled) is ProviderKeyState.PENDING_DELETION


def test_disabling_does_not_bring_a_scheduled_key_back(provider, create):
    """Steps that arrive in the wrong order never undo a deletion."""
    reference = create()
    provider.schedule_deletion(reference, days=30)

    provider.disable(reference)

    assert provider.describe(reference) is not ProviderKeyState.ENABLED


@pytest.mark.parametrize("days", [-1, 0, 6, 31])
def test_only_the_waiting_times_of_kms_are_taken(provider, create, days):
    """7 to 30 days; a key is never destroyed at once, and never kept by a slip."""
    reference = create()

    with pytest.raises(ValueError, match="7 to 30"):
        provider.schedule_deletion(reference, days=days)

    assert provider.describe(reference) is ProviderKeyState.ENABLED


def test_a_reference_of_another_provider_is_refused(provider, create):
    """The store was filled under other settings: nothing is taken for gone or ended by mistake."""
    reference = create()
    foreign = replace(reference, provider="another")

    for use in (
        provider.signer,
        provider.describe,
        provider.disable,
        lambda ref: provider.schedule_deletion(ref, days=7),
    ):
        with pytest.raises(InvalidKey, match="the reference is not that of"):
            use(foreign)

    assert provider.describe(reference) is ProviderKeyState.ENABLED


def test_the_fate_of_one_key_does_not_touch_another(provider, create):
    """The staged key survives the end of its predecessor."""
    old, staged = create(), create()

    provider.disable(old)
    provider.schedule_deletion(old, days=7)

    assert provider.describe(staged) is ProviderKeyState.ENABLED
    assert verify(encode_jws(claims(), signer=provider.signer(staged), typ="JWT"), staged)
