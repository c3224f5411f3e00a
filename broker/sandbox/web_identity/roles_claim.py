"""The claim that pins a token to roles: `https://aws.amazon.com/roles`.

Recorded on AWS: null is as good as absent; a list or one string, in which semicolons separate;
entries that are no role ARN are ignored as long as one is; no wildcards; the match is exact.
Unconfirmed: a string that lists both ARNs and other words (read like an array), spaces around an
entry of an array (not trimmed), and a role name differing in letter case (not matched).
"""

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final

from broker.sandbox.web_identity.refusals import invalid_token

CLAIM: Final = "https://aws.amazon.com/roles"
NO_ARNS: Final = "The roles claim contains no valid role ARNs"
BAD_FORMAT: Final = "The roles claim is not in a supported format"
OTHER_ROLE: Final = "The target role ARN is not present in the roles claim of the identity token"

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[^\s:;*?]+", re.ASCII)


class Authorization(Enum):
    """Value of `sts:RoleAuthorizedByIdp`: whether the identity provider named the role."""

    BY_PROVIDER = "true"
    NOT_BY_PROVIDER = "false"


def read_roles(claims: Mapping[str, Any]) -> frozenset[str] | None:
    """The role ARNs that the token is pinned to; None if it is not pinned."""
    match claims.get(CLAIM):
        case None:
            return None
        case str(text):
            entries: Iterable[Any] = (entry.strip(" ") for entry in text.split(";"))
        case list(listed):
            entries = listed
        case _:
            raise invalid_token(BAD_FORMAT)
    arns = frozenset(
        entry for entry in entries if isinstance(entry, str) and _ROLE_ARN.fullmatch(entry)
    )
    if not arns:
        raise invalid_token(NO_ARNS)
    return arns


def authorize(roles: frozenset[str] | None, *, role_arn: str) -> Authorization:
    """Whether the provider named this role; StsRefusal if it named only others."""
    if roles is None:
        return Authorization.NOT_BY_PROVIDER
    if role_arn not in roles:
        raise invalid_token(OTHER_ROLE)
    return Authorization.BY_PROVIDER
