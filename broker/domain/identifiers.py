"""Identifiers, parsed once at the edge; after that their type says that they are well formed.

Each is a `str` of its own type, so records and JSON carry it as it is. `parse` raises `ValueError`
with a sentence that can be shown to whoever sent the value.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Identifier(str):
    """A string that matches its type's pattern in full; constructed by `parse` only."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]]
    rule: ClassVar[str]

    @classmethod
    def parse(cls, value: str) -> Self:
        """`value` as this type, or ValueError with the rule it breaks."""
        if cls.pattern.fullmatch(value) is None:
            raise ValueError(cls.rule)
        return cls(value)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let models and stored records name the type, with its pattern in the JSON schema."""
        return core_schema.no_info_after_validator_function(
            cls.parse,
            core_schema.str_schema(strict=True),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
            metadata={"pydantic_js_updates": {"pattern": f"^{cls.pattern.pattern}$"}},
        )


NOBODY = "unauthenticated"
"""The actor of a ledger entry about somebody who is not known; so no person may be called that."""


class AccountId(Identifier):
    """An AWS account: twelve ASCII digits."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{12}")
    rule = "must be an AWS account id: twelve digits"


class EngineerId(Identifier):
    """A person, as AWS records the source identity.

    Narrower than both of AWS's rules for the places it is written to: source identity
    (2-64 of `[\\w+=,.@-]`) and session tag values (no comma).
    """

    __slots__ = ()
    pattern = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+=.@-]{1,63}")
    rule = "must be 2 to 64 of letters, digits and _+=.@- and begin with a letter or digit"

    @classmethod
    def parse(cls, value: str) -> Self:
        """See Identifier."""
        if value.casefold() == NOBODY:
            raise ValueError(f"must not be {NOBODY}, which is what the ledger calls nobody")
        return super().parse(value)


class BucketName(Identifier):
    """An S3 bucket: AWS's naming rules, without dots, which TLS certificates of S3 do not cover.

    Source: S3 User Guide, "General purpose bucket naming rules".
    """

    __slots__ = ()
    pattern = re.compile(
        r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
        r"(?<!-s3alias)(?<!--ol-s3)(?<!--x-s3)(?<!--table-s3)"
    )
    rule = "must be the name of an S3 bucket: 3 to 63 lower-case letters, digits and hyphens"


class TicketId(Identifier):
    """A support ticket, safe in a URL, a session tag and a role session name as it stands."""

    __slots__ = ()
    pattern = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
    rule = "must be 1 to 64 of letters, digits and _.- and begin with a letter or digit"


class IssuerId(Identifier):
    """The random path segment of an account's issuer; never used again, not even after removal."""

    __slots__ = ()
    pattern = re.compile(r"[a-z0-9]{32}")
    rule = "must be 32 lower-case letters and digits"


class GrantId(Identifier):
    """One permission: an engineer, an account, a ticket, until a time."""

    __slots__ = ()
    pattern = re.compile(r"gr-[0-9a-f]{20}")
    rule = "must be a grant id: gr- and 20 hexadecimal digits"


class SessionId(Identifier):
    """One issue of credentials; also the value of the `Session` tag that a revocation denies."""

    __slots__ = ()
    pattern = re.compile(r"s-[0-9a-f]{20}")
    rule = "must be a session id: s- and 20 hexadecimal digits"

    @property
    def short(self) -> str:
        """Eight digits, enough to find the session from a CloudTrail line."""
        return self[2:10]


class ServiceName(Identifier):
    """The prefix of a service's IAM actions: `ec2`, `s3`, `elasticloadbalancing`."""

    __slots__ = ()
    pattern = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
    rule = "must be a service prefix as in IAM actions, like ec2 or s3"
