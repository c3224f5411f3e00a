"""The exchange: AssumeRoleWithWebIdentity, unsigned and regional, with its errors told apart."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from broker.aws.errors import (
    ISSUER_UNREACHABLE,
    THROTTLING,
    code_of,
    is_transient,
    issuer_unreachable,
    log_refusal,
    unavailable,
)
from broker.domain.sessions import Credentials
from broker.errors import BrokerError, UpstreamRejected

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleWithWebIdentityResponseTypeDef

_DOING = "AssumeRoleWithWebIdentity"

RETRIED = THROTTLING | {"IDPCommunicationError"}
"""The only codes that are tried again: AWS says of each that it may pass."""

TRIES = 3
FIRST_WAIT_SECONDS = 0.2

_NO_VERIFICATION_KEY = "Couldn't retrieve verification key"
"""How STS begins its message when it cannot get the JWKS, or finds no such kid in it."""


class StsWebIdentity:
    """AssumeRoleWithWebIdentity at the Region's STS endpoint."""

    def __init__(self, client: STSClient, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def exchange(
        self,
        *,
        identity_token: str,
        role_arn: str,
        role_session_name: str,
        duration: timedelta,
        session_policy: str | None,
    ) -> Credentials:
        """Credentials for the token; see `broker.domain.ports.WebIdentityExchange`."""
        narrowing = {} if session_policy is None else {"Policy": session_policy}
        for wait in (*_waits(), None):
            try:
                answer = self._client.assume_role_with_web_identity(
                    RoleArn=role_arn,
                    RoleSessionName=role_session_name,
                    WebIdentityToken=identity_token,
                    DurationSeconds=int(duration.total_seconds()),
                    **narrowing,  # type: ignore[arg-type]
                )
            except ClientError as e:
                log_refusal(_DOING, e)
                if wait is None or code_of(e) not in RETRIED:
                    raise _ours(e) from e
                self._sleep(wait)
            except BotoCoreError as e:
                raise unavailable() from e
            else:
                return _credentials(answer)
        raise AssertionError("the last try returns or raises")


def _waits() -> list[float]:
    """Full jitter: each wait is drawn from nothing up to a bound that doubles."""
    bounds = [FIRST_WAIT_SECONDS * 2**number for number in range(TRIES - 1)]
    return [random.uniform(0, bound) for bound in bounds]  # noqa: S311 - spreads load, hides nothing


def _ours(error: ClientError) -> BrokerError:
    code = code_of(error)
    message = str(error.response.get("Error", {}).get("Message", ""))
    no_key = code == "InvalidIdentityToken" and message.startswith(_NO_VERIFICATION_KEY)
    if code in ISSUER_UNREACHABLE or no_key:
        return issuer_unreachable()
    if is_transient(error):
        return unavailable()
    return UpstreamRejected(
        "AWS refused the session. The account's roles or its identity provider may have been "
        "changed; have the account reconciled."
    )


def _credentials(answer: AssumeRoleWithWebIdentityResponseTypeDef) -> Credentials:
    given = answer["Credentials"]
    return Credentials(
        access_key_id=given["AccessKeyId"],
        secret_access_key=given["SecretAccessKey"],
        session_token=given["SessionToken"],
        expiration=given["Expiration"].astimezone(UTC),
    )
