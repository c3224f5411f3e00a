"""The settings of signing in to the AWS console, a part of `broker.settings`."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, field_validator

from broker.domain.loopback import is_secure


class ConsoleSettings(BaseModel):
    """Where people are sent to sign in to the console."""

    signin_endpoint_url: str | None = None
    """AWS's sign-in host, for whoever reaches it elsewhere: https (http only on loopback), no path.
    Default: the partition's own, or the sandbox."""

    @field_validator("signin_endpoint_url")
    @classmethod
    def _people_sign_in_safely(cls, value: str | None) -> str | None:
        if value is None:
            return None
        url = urlsplit(value)
        if not is_secure(url):
            raise ValueError("must be an https URL (http only on loopback)")
        if not url.hostname or url.username is not None or value != f"{url.scheme}://{url.netloc}":
            raise ValueError("must end with the host: no path, no trailing slash, no user")
        if url.port == 0:  # reading it raises ValueError for what is no port at all
            raise ValueError("must name a port that can be connected to")
        return value
