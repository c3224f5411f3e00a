"""The settings of sign-in, a part of `broker.settings`: all of them are set, or none."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from broker.domain.identity.role_mapping import FaultyMapping, RoleMapping, read_role_mapping
from broker.domain.loopback import is_secure
from broker.settings.files import Holds, text_of


def _read_roles(value: object) -> object:
    """The mapping in the file that a path names: parsed here, so that a start finds every fault."""
    if not isinstance(value, str):
        return value
    try:
        return read_role_mapping(text_of(value, holds=Holds.NO_SECRETS))
    except FaultyMapping as e:
        raise ValueError("; ".join(e.problems)) from e


def _secure_url(value: str) -> SplitResult:
    """The URL's parts; raises ValueError where somebody on the way could read along."""
    url = urlsplit(value)
    if not is_secure(url):
        raise ValueError("must be an https URL (http only on loopback)")
    return url


Scope = Annotated[str, Field(pattern=r"^openid( [!#-\[\]-~]+)*$")]
"""RFC 6749, section 3.3; without `openid` there is no ID token."""


class SignInSettings(BaseModel):
    """How people sign in. Without a provider nobody does, and API tokens are the only way in."""

    public_url: str | None = None
    """The base URL where people reach the broker: https, no path. Default: the issuer URL."""

    oidc_issuer: str | None = None
    """The issuer of the organisation's OpenID provider, exactly as its discovery names it."""

    oidc_client_id: str | None = None
    """The confidential client that browsers sign in with."""

    oidc_client_secret: SecretStr | None = None
    """Its secret."""

    oidc_cli_client_id: str | None = None
    """The public client whose ID tokens the API takes as bearers. Unset: it takes none."""

    oidc_scope: Scope = "openid email"
    """What is asked of the provider; it must lead to the subject and the groups claim."""

    oidc_cli_scope: Scope | None = None
    """What terminals ask of it. Default: the same; `offline_access` lets them renew a sign-in."""

    oidc_subject_claim: Annotated[str, Field(min_length=1)] = "email"
    """The claim that names the engineer; an `email` must be verified, and is lower-cased."""

    oidc_groups_claim: Annotated[str, Field(min_length=1)] = "groups"
    """The claim with the list of groups."""

    roles_file: Annotated[RoleMapping | None, BeforeValidator(_read_roles)] = None
    """TOML file that says which groups have which roles."""

    sign_in_idle_seconds: Annotated[int, Field(ge=300, le=86400)] = 1800
    """A browser's session ends after so long without a request."""

    sign_in_absolute_seconds: Annotated[int, Field(ge=900, le=604800)] = 36000
    """It ends after so long in any case."""

    @field_validator("public_url")
    @classmethod
    def _people_reach_it_safely(cls, value: str | None) -> str | None:
        if value is None:
            return None
        url = _secure_url(value)
        if not url.hostname or url.username is not None or value != f"{url.scheme}://{url.netloc}":
            raise ValueError("must end with the host: no path, no trailing slash, no user")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _provider_is_reached_safely(cls, value: str | None) -> str | None:
        if value is None:
            return None
        url = _secure_url(value)
        if not url.hostname or url.username is not None or url.query or url.fragment:
            raise ValueError("must be an issuer: host and path, no user, query or fragment")
        return value

    @field_validator("oidc_client_id", "oidc_client_secret", "roles_file")
    @classmethod
    def _all_or_nothing(cls, value: object, info: ValidationInfo) -> object:
        if "oidc_issuer" not in info.data:
            return value
        missing = value is None or value in ("", SecretStr(""))
        if info.data["oidc_issuer"] is not None and missing:
            raise ValueError("must be set where BROKER_OIDC_ISSUER is")
        if info.data["oidc_issuer"] is None and not missing:
            raise ValueError("is set without BROKER_OIDC_ISSUER")
        return value

    @field_validator("oidc_cli_client_id")
    @classmethod
    def _clients_differ(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        if "oidc_issuer" in info.data and info.data["oidc_issuer"] is None:
            raise ValueError("is set without BROKER_OIDC_ISSUER")
        if not value or value == info.data.get("oidc_client_id"):
            raise ValueError("must be a public client of its own, not BROKER_OIDC_CLIENT_ID")
        return value

    @field_validator("sign_in_absolute_seconds")
    @classmethod
    def _idle_is_shorter(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("sign_in_idle_seconds", 0):
            raise ValueError("must be at least BROKER_SIGN_IN_IDLE_SECONDS")
        return value
