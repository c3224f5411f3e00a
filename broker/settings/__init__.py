"""Settings from the environment: the only reader of it, checked as a whole before anything runs.

Every variable begins with `BROKER_`. `load` raises ConfigurationError with every problem at once;
values are never echoed, since some are secret.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from broker.domain.hooks.sns import TopicArn
from broker.domain.limits import Limit
from broker.domain.loopback import is_loopback
from broker.domain.webhooks.endpoints import Endpoints
from broker.errors import ConfigurationError
from broker.settings.console import ConsoleSettings
from broker.settings.sign_in import SignInSettings
from broker.settings.tickets import TicketSettings
from broker.settings.webhooks import WebhooksFile
from keys.types import Algorithm

PREFIX = "BROKER_"
STORE_SCHEMES = frozenset({"embedded", "redis", "rediss", "unix"})

_LONGEST_ISSUER_BASE = 255 - len("/oidc/") - 32
"""IAM takes provider URLs of at most 255 characters."""

_NOT_SETTINGS = re.compile(r"BROKER_(URL|CONFIG|PROFILE|([A-Z]+_)*TOKEN)")
"""Variables of the command-line client and of the demo, which share the prefix."""


class KeyProviderName(StrEnum):
    """Where signing keys live."""

    KMS = "kms"
    LOCAL = "local"


class LogLevel(StrEnum):
    """The least severe entries that are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(SignInSettings, TicketSettings, ConsoleSettings):
    """Everything that an operator decides. The order matters: later fields may check earlier."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    aws_region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]+$")] = "us-east-1"
    """The Region of KMS and STS; its partition is the partition of every account."""

    aws_endpoint_url: str | None = None
    """One endpoint for all of AWS: the sandbox. Unset for AWS itself."""

    issuer_url: str
    """The public base URL of the issuers, as AWS sees it: https, no path, no port."""

    vendor_account_id: Annotated[str, Field(pattern=r"^[0-9]{12}$")]
    """The AWS account that the broker runs in, which customers' management roles trust."""

    name_prefix: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,19}$")] = "Acme"
    """What the names of all roles begin with."""

    template_url: str | None = None
    """Where CloudFormation reads the template: an S3 URL. Default: the broker's own copy."""

    hook_topics: tuple[TopicArn, ...] = ()
    """SNS topics, separated by commas and one a Region, through which stacks tell of themselves."""

    sns_trust_anchors: str | None = None
    """PEM file of the roots that SNS's signing certificates must lead to. Default: certifi's."""

    store_url: SecretStr = SecretStr("embedded:.broker/store")
    """`embedded:<folder>`, `redis://…`, `rediss://…` or `unix://…`; it may hold a password."""

    key_provider: KeyProviderName = KeyProviderName.KMS
    """`kms` for production; `local` for one machine and for development."""

    key_algorithm: Algorithm = Algorithm.ES256
    """The algorithm of new keys."""

    allow_local_keys_for_public_issuer: bool = False
    """Accept encrypted key files under an https issuer, where KMS belongs."""

    local_keys_folder: str = ".broker/keys"
    """Where `local` keeps its encrypted files."""

    local_keys_passphrase: SecretStr | None = None
    """Encrypts them; at least 16 characters."""

    max_session_seconds: Annotated[int, Field(ge=3600, le=43200)] = 14400
    """The longest session, and the maximum session duration of the support roles."""

    standing_grant_seconds: Annotated[int, Field(ge=900, le=86400)] = 43200
    """How long a grant holds that standing consent gives."""

    max_grant_seconds: Annotated[int, Field(ge=900, le=2592000)] = 86400
    """The longest grant that somebody approves."""

    grant_request_seconds: Annotated[int, Field(ge=60, le=2592000)] = 86400
    """How long a request for a grant waits for a decision before it lapses."""

    break_glass_seconds: Annotated[int, Field(ge=900, le=43200)] = 3600
    """The longest grant that somebody gives themselves in an emergency."""

    break_glass_reason_length: Annotated[int, Field(ge=10, le=500)] = 30
    """Characters that the reason for it must have."""

    pinned_partitions: frozenset[str] = frozenset({"aws"})
    """Partitions, separated by commas, whose trust policies demand that tokens name their role."""

    issuer_thumbprints: Annotated[frozenset[str], Field(max_length=5)] = frozenset()
    """SHA-1 thumbprints of the issuer's certificate chain, separated by commas; only where the
    chain does not end in a root that AWS trusts by itself."""

    jwks_max_age_seconds: Annotated[int, Field(ge=300, le=86400)] = 3600
    """How long discovery and JWKS may be cached."""

    aws_jwks_cache_seconds: Annotated[int, Field(ge=0, le=604800)] = 21600
    """For how much longer than that AWS is assumed to keep a JWKS: reported is over an hour."""

    key_publish_hours: Annotated[int, Field(ge=1, le=720)] = 24
    """How long a key is published before it signs; longer than anybody may hold an old JWKS."""

    key_rotation_days: Annotated[int, Field(ge=1, le=1000)] = 90
    """How long a key signs before the next one does."""

    limit_sessions_per_engineer: Limit = Limit.parse("300/3600")
    """How many sessions are opened for one engineer, as count/seconds; in any such stretch.

    This and the following three hold for requests for grants too, which are counted apart.
    """

    limit_sessions_per_account: Limit = Limit.parse("1200/3600")
    """How many in one account."""

    limit_sessions_per_caller: Limit = Limit.parse("3000/3600")
    """How many one API token or signed-in person asks for; a console asks for many engineers."""

    limit_sessions_overall: Limit = Limit.parse("12000/3600")
    """How many in all."""

    limit_break_glass_per_engineer: Limit = Limit.parse("3/86400")
    """How often one engineer may break the glass."""

    limit_requests_per_caller: Limit = Limit.parse("1200/60")
    """How many requests of any kind one API token or signed-in person sends."""

    limit_refusals_per_caller: Limit = Limit.parse("300/3600")
    """How many requests one of them sends that its roles do not allow; each is written down."""

    limit_failed_sign_ins_per_address: Limit = Limit.parse("20/300")
    """How many wrong credentials one address may present; an IPv6 address counts by its /64."""

    limit_failed_sign_ins_overall: Limit = Limit.parse("1000/3600")
    """How many wrong credentials are answered, and written down, whoever presents them."""

    api_token_max_days: Annotated[int, Field(ge=1, le=1000)] = 366
    """The longest life of an API token."""

    webhooks_file: WebhooksFile = Endpoints()
    """TOML file of the endpoints that are told of requests, decisions, sessions, revocations."""

    ledger_checkpoint_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    """How old the last signed head of a ledger may grow before the worker signs the next."""

    trusted_proxies: Annotated[int, Field(ge=0, le=5)] = 0
    """How many proxies in front may set X-Forwarded-For."""

    bind: Annotated[str, Field(pattern=r"^[^\s:]+:[0-9]{1,5}$")] = "127.0.0.1:8080"
    """Where `broker serve` listens."""

    workers: Annotated[int, Field(ge=1, le=64)] = 2
    """Worker processes."""

    threads: Annotated[int, Field(ge=2, le=256)] = 32
    """Threads in each worker; a quarter of them never waits for AWS, which fetches keys from us."""

    serve_worker: bool = True
    """Whether `broker serve` starts a `broker worker` beside the web workers."""

    worker_threads: Annotated[int, Field(ge=1, le=64)] = 8
    """How many tasks a `broker worker` works on at once."""

    log_level: LogLevel = LogLevel.INFO

    @property
    def people_url(self) -> str:
        """The base URL of the broker in a person's browser."""
        return self.public_url or self.issuer_url

    @field_validator("aws_endpoint_url")
    @classmethod
    def _endpoint_is_local(cls, value: str | None) -> str | None:
        if value is not None and not is_loopback(urlsplit(value)):
            raise ValueError("is for the sandbox: it must be on a loopback address, or unset")
        return value

    @field_validator("issuer_url")
    @classmethod
    def _issuer_is_reachable_by_aws(cls, value: str, info: ValidationInfo) -> str:
        url = urlsplit(value)
        in_sandbox = info.data.get("aws_endpoint_url") is not None
        if in_sandbox and url.scheme == "http" and is_loopback(url):
            allowed_netloc = url.netloc
        elif url.scheme != "https":
            raise ValueError("must be an https URL (http only on loopback, with the sandbox)")
        else:
            allowed_netloc = url.hostname or ""
        if not allowed_netloc or url.netloc != allowed_netloc:
            raise ValueError("must name a host in lower case, without port or user")
        if url.path or url.query or url.fragment:
            raise ValueError("must end with the host: no path, no trailing slash, no query")
        if len(value) > _LONGEST_ISSUER_BASE:
            raise ValueError("is too long: IAM takes provider URLs of at most 255 characters")
        return value

    @field_validator("store_url")
    @classmethod
    def _store_is_of_a_known_kind(cls, value: SecretStr) -> SecretStr:
        scheme, separator, place = value.get_secret_value().partition(":")
        if scheme not in STORE_SCHEMES or not separator or not place.strip("/"):
            raise ValueError("must be embedded:<folder>, redis://…, rediss://… or unix://…")
        return value

    @field_validator("key_publish_hours")
    @classmethod
    def _publication_outlasts_caches(cls, value: int, info: ValidationInfo) -> int:
        cached = info.data.get("jwks_max_age_seconds", 0) + info.data.get(
            "aws_jwks_cache_seconds", 0
        )
        if value * 3600 < cached:
            raise ValueError(
                "must be at least BROKER_JWKS_MAX_AGE_SECONDS and BROKER_AWS_JWKS_CACHE_SECONDS "
                "together, or AWS meets keys that it does not know"
            )
        return value

    @field_validator("key_rotation_days")
    @classmethod
    def _rotation_leaves_time_to_publish(cls, value: int, info: ValidationInfo) -> int:
        if value * 24 < info.data.get("key_publish_hours", 0):
            raise ValueError("must be at least as long as BROKER_KEY_PUBLISH_HOURS")
        return value

    @field_validator("issuer_thumbprints")
    @classmethod
    def _thumbprints_are_sha1(cls, value: frozenset[str]) -> frozenset[str]:
        if not all(re.fullmatch(r"[0-9a-f]{40}", thumbprint) for thumbprint in value):
            raise ValueError("must be SHA-1 thumbprints: 40 hexadecimal digits in lower case")
        return value

    @field_validator("pinned_partitions", "issuer_thumbprints", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("hook_topics", mode="before")
    @classmethod
    def _split_topics(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("hook_topics")
    @classmethod
    def _topics_are_of_different_regions(cls, value: tuple[TopicArn, ...]) -> tuple[TopicArn, ...]:
        regions = [topic.region for topic in value]
        if len(set(regions)) < len(regions):
            raise ValueError("must have at most one topic a Region")
        return value

    @field_validator("local_keys_passphrase")
    @classmethod
    def _passphrase_is_there(
        cls, value: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        if info.data.get("key_provider") is not KeyProviderName.LOCAL:
            return value
        if value is None or len(value.get_secret_value()) < 16:
            raise ValueError("must have at least 16 characters where the key provider is local")
        public = str(info.data.get("issuer_url", "")).startswith("https://")
        if public and not info.data.get("allow_local_keys_for_public_issuer"):
            raise ValueError(
                "is set for local keys under a public issuer; use kms, or say "
                "BROKER_ALLOW_LOCAL_KEYS_FOR_PUBLIC_ISSUER=true"
            )
        return value


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings, or ConfigurationError with every problem and no value.

    `environment` stands in for the process's own in tests.
    """
    given = os.environ if environment is None else environment
    problems = _unknown_names(given)
    values = {
        name: given[PREFIX + name.upper()]
        for name in Settings.model_fields
        if PREFIX + name.upper() in given
    }
    try:
        settings = Settings.model_validate(values)
    except ValidationError as e:
        problems += [_sentence(error["loc"], error["type"], error["msg"]) for error in e.errors()]
        raise ConfigurationError(problems) from None
    if problems:
        raise ConfigurationError(problems)
    return settings


def _unknown_names(environment: Mapping[str, str]) -> list[str]:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    problems = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known and not _NOT_SETTINGS.fullmatch(name):
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            problems.append(f"{name}: is not a setting{hint}")
    return problems


def _sentence(location: tuple[int | str, ...], kind: str, message: str) -> str:
    name = PREFIX + ".".join(str(part) for part in location).upper()
    if kind == "missing":
        return f"{name}: must be set"
    return f"{name}: {message.removeprefix('Value error, ')}"
