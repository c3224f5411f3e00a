"""What KMS and its SDK raise, said in this package's words: try again, other key, or operator."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as ConnectionFailed
from botocore.parsers import ResponseParserError

from keys.errors import KeyNotUsable, KeyProviderError, KeyUnavailable, ProviderRefused

_NOT_USABLE = frozenset(
    {
        "DisabledException",
        "InvalidKeyUsageException",
        "KMSInvalidStateException",
        "NotFoundException",
    }
)
_UNAVAILABLE = frozenset(
    {
        "DependencyTimeoutException",
        "KMSInternalException",
        "KeyUnavailableException",
        "RequestLimitExceeded",
        "ServiceUnavailableException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_FIRST_SERVER_ERROR = 500


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Raise KeyProviderError for what goes wrong in a call and in reading its answer.

    `action` stands in the message; AWS's own text stays in the cause, because it may name ARNs.
    """
    try:
        yield
    except ClientError as e:
        raise _of_client_error(e, action) from e
    except (ConnectionFailed, HTTPClientError, CredentialRetrievalError) as e:
        raise KeyUnavailable(f"cannot {action}: KMS does not answer ({type(e).__name__})") from e
    except (KeyError, ResponseParserError) as e:
        # botocore reads a body that is no JSON as an answer without any of its members.
        raise KeyUnavailable(f"cannot {action}: what answered is not KMS") from e
    except (NoCredentialsError, PartialCredentialsError) as e:
        raise ProviderRefused(f"cannot {action}: there are no AWS credentials for KMS") from e


def _of_client_error(error: ClientError, action: str) -> KeyProviderError:
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in _NOT_USABLE:
        return KeyNotUsable(f"cannot {action}: the key is disabled or gone ({code})")
    if code in _UNAVAILABLE or status >= _FIRST_SERVER_ERROR:
        return KeyUnavailable(f"cannot {action}: KMS asks to try again ({code})")
    return ProviderRefused(f"cannot {action}: KMS refuses ({code})")
