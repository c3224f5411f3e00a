"""The form of the table: a recorded row, an exchange that plays it, and what AWS answered.

In claims, conditions and parameters, `{role}`, `{other_role}`, `{provider}`, `{issuer}` (host and
path) and `{account}` stand for what the stage sets up, `{ROLE}` and `{Role}` for the role's ARN in
other letter case, and `Ahead` for a time relative to now.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.integration.sandbox.throwaway_tokens import Jwk, six_keys

GEN = (
    "The web identity token provided could not be validated. "
    "See the AssumeRoleWithWebIdentity documentation for requirements."
)
KEY = (
    "Couldn't retrieve verification key from your identity provider,  "
    "please reference AssumeRoleWithWebIdentity documentation for requirements"
)
DENY = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
TIME = "Invalid timestamp in token claims."
AZP = "Token audience contains more than one audience while authorized party is not present"


@dataclass(frozen=True)
class Row:
    """A row of the recordings: its section and the text of its first column."""

    section: str
    scenario: str

    def __str__(self) -> str:
        return f"{self.section} {self.scenario}"


class Form(Enum):
    """How a time is written in a claim."""

    INTEGER = "integer"
    DIGITS = "string of digits"
    FRACTION = "number with .5"


@dataclass(frozen=True)
class Ahead:
    """A time in seconds from now, negative for the past."""

    seconds: int
    form: Form = Form.INTEGER

    def resolve(self, now: int) -> int | float | str:
        value = now + self.seconds
        match self.form:
            case Form.INTEGER:
                return value
            case Form.DIGITS:
                return str(value)
            case Form.FRACTION:
                return value + 0.5


class Absent:
    """The member is left out."""


ABSENT = Absent()


@dataclass(frozen=True)
class Granted:
    """AWS gave credentials; members: what its answer was seen to carry, as far as recorded."""

    members: Mapping[str, Any] = field(default_factory=dict)
    duration: int = 3600


@dataclass(frozen=True)
class Refused:
    """AWS refused. In `text`, `{iat}`, `{exp}` and `{nbf}` are claims of the token, `{past}` and
    `{future}` the clock of STS less and plus 300 s."""

    text: str
    code: str = "InvalidIdentityToken"
    status: int = 400


DENIED = Refused(DENY, code="AccessDenied", status=403)


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One call of AssumeRoleWithWebIdentity, described by what is special about it.

    algorithm chooses the key that signs, and header and claims are merged over the plain ones.
    repeated: a member that the claims carry once more, at their end.
    """

    row: Row
    outcome: Granted | Refused
    variant: str = ""
    algorithm: str = "RS256"
    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    repeated: tuple[str, str] | None = None
    keys: Callable[[], list[Jwk]] = six_keys
    principal: Mapping[str, Any] = field(default_factory=lambda: {"Federated": "{provider}"})
    condition: Mapping[str, Any] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.row}: {self.variant}" if self.variant else str(self.row)
