"""Holds moto to the gate's decision: it may carry out that operation, and no other.

moto finds the operation by rules of its own (a query parameter beats a header, and a JSON body
can pass for a form), so what it is about to do is compared with what was allowed.
"""

from __future__ import annotations

from typing import Any

from moto.core.authorization import ActionAuthenticatorMixin
from werkzeug.exceptions import Forbidden

from broker.sandbox.gate.enforcement import ADMITTED, Admission


def install() -> None:
    """Replace moto's authorization, in this process."""

    def check_operation(self: Any, resource: str = "*") -> None:
        del resource
        if self._get_action() != _admission(self).operation.name:
            raise Forbidden("The sandbox was about to do something else than it had allowed.")

    def check_s3(self: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
        """moto's S3 has action names of its own, so only its being asked can be checked."""
        del bucket_name, key_name
        if _admission(self).operation.service != "s3":
            raise Forbidden("The sandbox was about to call S3 for another service.")

    mixin: Any = ActionAuthenticatorMixin
    mixin._authenticate_and_authorize_normal_action = check_operation  # noqa: SLF001
    mixin._authenticate_and_authorize_s3_action = check_s3  # noqa: SLF001


def _admission(call: Any) -> Admission:
    admission = call.normalized_request.environ.get(ADMITTED)
    if not isinstance(admission, Admission):
        raise Forbidden("This request did not come through the gate.")
    return admission
