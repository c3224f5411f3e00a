"""The file of webhook endpoints, which BROKER_WEBHOOKS_FILE names: read and checked as a whole."""

from __future__ import annotations

import tomllib
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from broker.domain.identifiers import AccountId
from broker.domain.webhooks.endpoints import NAME, Endpoint, Endpoints, Networks, Url
from broker.domain.webhooks.events import EventType
from broker.domain.webhooks.signature import Secret
from broker.settings.files import Holds, text_of

MOST_SECRETS = 3
"""Two while one replaces another, and one more for whoever is in a hurry."""


class _EndpointTable(BaseModel):
    """One `[[endpoint]]`. A list that is left out means all; an empty one would mean none."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
    url: SecretStr
    secret: SecretStr | None = None
    secrets: Annotated[tuple[SecretStr, ...], Field(max_length=MOST_SECRETS)] = ()
    events: Annotated[frozenset[EventType], Field(min_length=1)] = frozenset(EventType)
    accounts: Annotated[frozenset[AccountId], Field(min_length=1)] | None = None
    allow_private: bool = False

    @field_validator("url")
    @classmethod
    def _url_can_be_posted_to(cls, value: SecretStr) -> SecretStr:
        Url.parse(value.get_secret_value())
        return value

    @field_validator("secret")
    @classmethod
    def _secret_is_one(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            Secret.parse(value.get_secret_value())
        return value

    @field_validator("secrets")
    @classmethod
    def _secrets_are_some(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for each in value:
            Secret.parse(each.get_secret_value())
        return value

    @model_validator(mode="after")
    def _is_signed(self) -> _EndpointTable:
        if (self.secret is None) == (not self.secrets):
            raise ValueError("must have either `secret` or `secrets`")
        return self

    def endpoint(self) -> Endpoint:
        """The endpoint that the table describes."""
        url = Url.parse(self.url.get_secret_value())
        given = self.secrets if self.secret is None else (self.secret,)
        return Endpoint(
            name=self.name,
            url=url,
            secrets=tuple(Secret.parse(each.get_secret_value()) for each in given),
            events=self.events,
            accounts=self.accounts,
            networks=self._networks(url),
        )

    def _networks(self, url: Url) -> Networks:
        if url.scheme == "http":
            return Networks.LOOPBACK
        return Networks.OWN_TOO if self.allow_private else Networks.INTERNET


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    endpoint: tuple[_EndpointTable, ...] = ()

    @field_validator("endpoint")
    @classmethod
    def _names_differ(cls, value: tuple[_EndpointTable, ...]) -> tuple[_EndpointTable, ...]:
        names = [each.name for each in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two have the name {', '.join(twice)}")
        return value


def read_webhooks(value: object) -> object:
    """The endpoints in the file that a path names; raises ValueError with every fault of it.

    Nothing of what the file holds gets into an error: half of it is secret.
    """
    if not isinstance(value, str):
        return value
    try:
        file = _File.model_validate(tomllib.loads(text_of(value, holds=Holds.SECRETS)))
    except ValidationError as e:
        faults = [_sentence(error["loc"], error["msg"]) for error in e.errors()]
        raise ValueError("; ".join(faults)) from None
    except tomllib.TOMLDecodeError:
        raise ValueError("must name a file of TOML") from None
    return Endpoints(tuple(each.endpoint() for each in file.endpoint))


WebhooksFile = Annotated[Endpoints, BeforeValidator(read_webhooks)]
"""A setting that is a path from outside, and the endpoints in the file inside."""


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    """Where in the file, counted from one as people do, and what is wrong there."""
    places = [f"{each + 1}" if isinstance(each, int) else each for each in location]
    return f"{' '.join(places)}: {message.removeprefix('Value error, ')}"
