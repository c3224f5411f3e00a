"""KMS as AWS does it: digests are signed as digests, and what a key's state forbids is refused.

moto hashes a digest once more, signs with keys that are disabled or pending deletion, brings the
latter back to life, and knows no ARNs where it changes a key's state.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from moto.core.exceptions import JsonRESTError
from moto.kms.models import Key, KmsBackend
from moto.kms.responses import KmsResponse

_HASHES: Final[Mapping[str, type[hashes.HashAlgorithm]]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
MAX_RAW_BYTES: Final = 4096


def install() -> None:
    """Replace moto's Sign and Verify, and bar key policies, in this process."""
    KmsResponse.sign = _checked(_sign)  # type: ignore[method-assign,assignment]
    KmsResponse.verify = _checked(_verify)  # type: ignore[method-assign,assignment]
    for name in ("create_key", "put_key_policy"):
        setattr(KmsResponse, name, _with_default_policy(getattr(KmsResponse, name)))
    for name in ("disable_key", "enable_key", "schedule_key_deletion"):
        setattr(KmsBackend, name, _of_living_key(getattr(KmsBackend, name)))
    KmsBackend.cancel_key_deletion = _by_id(  # type: ignore[method-assign]
        KmsBackend.cancel_key_deletion
    )


def _by_id(change: Callable[..., Any]) -> Callable[..., Any]:
    """moto looks keys up by their id alone here, where AWS takes the ARN as well."""

    def changed(self: KmsBackend, key_id: str, *arguments: Any, **named: Any) -> Any:
        return change(self, self.get_key_id(key_id), *arguments, **named)

    return changed


def _of_living_key(change: Callable[..., Any]) -> Callable[..., Any]:
    """AWS changes nothing of a key that waits for its deletion, where moto brings it back."""

    def changed(self: KmsBackend, key_id: str, *arguments: Any, **named: Any) -> Any:
        key = self.describe_key(key_id)
        if key.key_state == "PendingDeletion":
            raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        return change(self, key.id, *arguments, **named)

    return changed


def _with_default_policy(operation: Callable[[KmsResponse], Any]) -> Callable[[KmsResponse], Any]:
    """Key policies are not evaluated, so one that would matter is refused instead of ignored."""

    def answer(self: KmsResponse) -> Any:
        if _parameter(self, "Policy") is not None:
            text = "The sandbox knows the default key policy only."
            raise JsonRESTError("UnsupportedOperationException", text)
        return operation(self)

    return answer


def _checked(operation: Callable[[KmsResponse, Key], str]) -> Callable[[KmsResponse], str]:
    """Both operations want an enabled signing key and an algorithm that it has."""

    def answer(self: KmsResponse) -> str:
        key = _find(self)
        if key.key_state == "Disabled":
            raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
        if key.key_state != "Enabled":
            raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        if key.key_usage != "SIGN_VERIFY":
            text = f"{key.arn} key usage is {key.key_usage} which is not valid for this operation."
            raise JsonRESTError("InvalidKeyUsageException", text)
        algorithm = _parameter(self, "SigningAlgorithm")
        if algorithm not in (key.signing_algorithms or []):
            text = f"Algorithm {algorithm} and key spec {key.key_spec} are incompatible."
            raise JsonRESTError("InvalidKeyUsageException", text)
        return operation(self, key)

    return answer


def _find(call: KmsResponse) -> Key:
    key_id = _parameter(call, "KeyId")
    call._validate_key_id(key_id)  # noqa: SLF001  (moto's own check raises NotFoundException)
    key = call.kms_backend.describe_key(key_id)
    # moto looks at the id alone and would take the ARN of another account or Region for its own.
    if ":key/" in key_id and key_id != key.arn:
        raise JsonRESTError("NotFoundException", f"Key '{key_id}' does not exist")
    return key


def _sign(call: KmsResponse, key: Key) -> str:
    algorithm = _parameter(call, "SigningAlgorithm")
    message, digest = _message(call, algorithm)
    private = key.private_key.private_key  # type: ignore[attr-defined]
    if isinstance(private, ec.EllipticCurvePrivateKey):
        signature = private.sign(message, ec.ECDSA(digest))
    elif isinstance(private, rsa.RSAPrivateKey):
        signature = private.sign(message, _padding(algorithm), digest)
    else:
        raise JsonRESTError("UnsupportedOperationException", "The sandbox has no such key.")
    return json.dumps(
        {
            "KeyId": key.arn,
            "Signature": base64.b64encode(signature).decode(),
            "SigningAlgorithm": algorithm,
        }
    )


def _verify(call: KmsResponse, key: Key) -> str:
    algorithm = _parameter(call, "SigningAlgorithm")
    message, digest = _message(call, algorithm)
    signature = base64.b64decode(_parameter(call, "Signature"))
    public = key.private_key.private_key.public_key()  # type: ignore[attr-defined]
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, message, ec.ECDSA(digest))
        else:
            public.verify(signature, message, _padding(algorithm), digest)
    except InvalidSignature as error:
        raise JsonRESTError("KMSInvalidSignatureException", "") from error
    return json.dumps({"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm})


def _message(
    call: KmsResponse, algorithm: str
) -> tuple[bytes, hashes.HashAlgorithm | utils.Prehashed]:
    """The bytes to sign, and whether they are still to be hashed."""
    content = _parameter(call, "Message")
    message = content.encode() if isinstance(content, str) else bytes(content or b"")
    digest = _HASHES[algorithm[-3:]]()
    match _parameter(call, "MessageType") or "RAW":
        case "RAW":
            if not 1 <= len(message) <= MAX_RAW_BYTES:
                raise _invalid(f"Message must have between 1 and {MAX_RAW_BYTES} bytes.")
            return message, digest
        case "DIGEST":
            if len(message) != digest.digest_size:
                raise _invalid(f"Digest is invalid length for algorithm {algorithm}.")
            return message, utils.Prehashed(digest)
        case other:
            raise _invalid(f"MessageType {other} is not supported.")


def _padding(algorithm: str) -> padding.AsymmetricPadding:
    if "_PSS_" not in algorithm:
        return padding.PKCS1v15()
    digest = _HASHES[algorithm[-3:]]()
    return padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)


def _invalid(text: str) -> JsonRESTError:
    return JsonRESTError("ValidationException", text)


def _parameter(call: KmsResponse, name: str) -> Any:
    return call._get_param(name)  # noqa: SLF001  (moto offers no public reader)
