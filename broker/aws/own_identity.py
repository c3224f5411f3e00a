"""How AWS sees the broker itself: by whose credentials it calls, and at what time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)

from broker.aws.errors import code_of, is_transient, log_refusal, unavailable
from broker.domain.diagnosis.surroundings import OwnIdentity

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient


class StsMirror:
    """GetCallerIdentity, which needs no permission; refusals carry AWS's time as well."""

    def __init__(self, client: STSClient) -> None:
        self._client = client

    def look(self) -> OwnIdentity:
        """Who we are to AWS; see `broker.domain.diagnosis.surroundings.AwsMirror`."""
        try:
            answer = self._client.get_caller_identity()
        except ClientError as e:
            log_refusal("GetCallerIdentity", e)
            if is_transient(e):
                raise unavailable() from e
            metadata = e.response.get("ResponseMetadata", {})
            return OwnIdentity(account_id=None, refusal=code_of(e), at=_time_of(metadata))
        except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as e:
            return OwnIdentity(account_id=None, refusal=type(e).__name__, at=None)
        except BotoCoreError as e:
            raise unavailable() from e
        at = _time_of(answer["ResponseMetadata"])
        return OwnIdentity(account_id=answer["Account"], refusal="", at=at)


def _time_of(metadata: Mapping[str, Any]) -> datetime | None:
    """The Date header (RFC 9110, section 6.6.1) of an answer."""
    try:
        return parsedate_to_datetime(metadata["HTTPHeaders"]["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None
