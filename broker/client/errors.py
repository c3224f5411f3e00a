"""How asking a broker fails. None of these repeats a credential, or what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus


class ClientError(Exception):
    """The broker was not asked, or did not do what it was asked."""


class BadAddress(ClientError):
    """What should be the broker's URL is none."""


class BadCredential(ClientError):
    """What should be an API token or an ID token cannot be sent as one."""


class Unreachable(ClientError):
    """No connection to the broker came about, or it broke."""

    def __init__(self, url: str) -> None:
        super().__init__(f"The broker at {url} cannot be reached.")
        self.url = url


class TimedOut(ClientError):
    """The broker took too long. Whether it did what it was asked is not known."""

    def __init__(self, url: str) -> None:
        super().__init__(f"The broker at {url} does not answer in time.")
        self.url = url


class BrokeOff(ClientError):
    """A streamed answer ended early: what has come of it is a part."""

    def __init__(self, url: str) -> None:
        super().__init__(f"The answer of {url} broke off.")
        self.url = url


class EndlessList(ClientError):
    """The broker's list leads on for ever, so what was read of it may be anything."""

    def __init__(self) -> None:
        super().__init__("The broker's list does not end: what leads on there leads nowhere.")


class NotABroker(ClientError):
    """What is at the address answers, and not like a broker, or like one of another version."""

    def __init__(self, url: str, *, status: int | None = None) -> None:
        super().__init__(
            f"{url} does not answer like a broker."
            if status is None
            else f"{url} answered {status}, not like a broker."
        )
        self.url = url
        self.status = status


class ProblemAnswered(ClientError):
    """The broker answered with a problem document (RFC 9457)."""

    def __init__(
        self, *, status: int, code: str, detail: str, request_id: str, members: Mapping[str, object]
    ) -> None:
        """`members` are all of the document, such as `grant_id`, `reason` or `retry_after`."""
        super().__init__(f"{detail} (request {request_id}) [{code}]")
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.members = members

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed later: the broker's trouble, or a limit."""
        return (
            self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
            or self.status == HTTPStatus.TOO_MANY_REQUESTS
        )
