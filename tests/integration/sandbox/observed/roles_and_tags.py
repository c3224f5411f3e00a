"""Sections 5 and 6: the roles claim, session tags and source identity."""

from typing import Any

from tests.integration.sandbox.observed.cases import (
    DENIED,
    Exchange,
    Granted,
    Refused,
    Row,
)

ROLES = "https://aws.amazon.com/roles"
TAGS = "https://aws.amazon.com/tags"
SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"

NOVALID = Refused("The roles claim contains no valid role ARNs")
FORMAT = Refused("The roles claim is not in a supported format")
NOTIN = Refused("The target role ARN is not present in the roles claim of the identity token")

MATCHES = "array-match / string-match / array-many / semicolon list / duplicate"
ROLE, OTHER = "{role}", "{other_role}"


def pinned(scenario: str, value: Any, outcome: Granted | Refused, *, variant: str = "") -> Exchange:
    """A token whose roles claim has this value, at a role whose trust says nothing of it."""
    row = Row("5", scenario)
    return Exchange(row=row, variant=variant, claims={ROLES: value}, outcome=outcome)


def demanding(
    demanded: str, claim: dict[str, Any], outcome: Granted | Refused, *, variant: str
) -> Exchange:
    """The trust policy demands `sts:RoleAuthorizedByIdp` to be `demanded`."""
    return Exchange(
        row=Row("5", f"trust Bool sts:RoleAuthorizedByIdp = {demanded}"),
        variant=variant,
        claims=claim,
        condition={"Bool": {"sts:RoleAuthorizedByIdp": demanded}},
        outcome=outcome,
    )


ROLES_CLAIM = [
    Exchange(row=Row("5", "absent"), outcome=Granted()),
    pinned("null", None, Granted()),
    pinned(MATCHES, [ROLE], Granted(), variant="array-match"),
    pinned(MATCHES, ROLE, Granted(), variant="string-match"),
    pinned(MATCHES, [OTHER, ROLE], Granted(), variant="array-many"),
    pinned(MATCHES, f"{OTHER};{ROLE}", Granted(), variant="semicolon list"),
    pinned(MATCHES, [ROLE, ROLE], Granted(), variant="duplicate"),
    pinned("mismatch", [OTHER], NOTIN),
    pinned("empty array; empty string", [], NOVALID, variant="array"),
    pinned("empty array; empty string", "", NOVALID, variant="string"),
    pinned("number, bool, object", 123, FORMAT, variant="number"),
    pinned("number, bool, object", True, FORMAT, variant="bool"),
    pinned("number, bool, object", {"role": ROLE}, FORMAT, variant="object"),
    pinned("mixed array", [123, ROLE], Granted()),
    pinned("null in array; invalid ARN in array", [None, ROLE], Granted(), variant="null"),
    pinned("null in array; invalid ARN in array", ["not-an-arn", ROLE], Granted(), variant="ARN"),
    pinned("nested array", [[ROLE]], NOVALID),
    pinned("spaces around; `other; target`", f" {ROLE} ", Granted(), variant="around"),
    pinned("spaces around; `other; target`", f"{OTHER}; {ROLE}", Granted(), variant="between"),
    pinned("trailing `;` or leading `;`", f"{ROLE};", Granted(), variant="trailing"),
    pinned("trailing `;` or leading `;`", f";{ROLE}", Granted(), variant="leading"),
    pinned("comma list string", f"{OTHER},{ROLE}", NOVALID),
    pinned("wildcard", "arn:aws:iam::{account}:role/*", NOVALID),
    pinned("upper-cased ARN", "{ROLE}", NOVALID),
    demanding("true", {}, DENIED, variant="absent"),
    demanding("true", {ROLES: [ROLE]}, Granted(), variant="match"),
    demanding("true", {ROLES: [OTHER]}, NOTIN, variant="mismatch"),
    demanding("false", {}, Granted(), variant="absent"),
    demanding("false", {ROLES: [ROLE]}, DENIED, variant="match"),
    demanding("false", {ROLES: [OTHER]}, NOTIN, variant="mismatch"),
    Exchange(
        row=Row("5", "key value"),
        variant="always present",
        condition={"Null": {"sts:RoleAuthorizedByIdp": "false"}},
        outcome=Granted(),
    ),
    Exchange(
        row=Row("5", "key value"),
        variant="null claim is false",
        claims={ROLES: None},
        condition={"Bool": {"sts:RoleAuthorizedByIdp": "false"}},
        outcome=Granted(),
    ),
    Exchange(
        row=Row("5", "key value"),
        variant="a claim of that name cannot set it",
        claims={"sts:RoleAuthorizedByIdp": "true"},
        condition={"Bool": {"sts:RoleAuthorizedByIdp": "true"}},
        outcome=DENIED,
    ),
]

TAGS_AND_SOURCE_IDENTITY = [
    Exchange(
        row=Row("6", "nested tags"),
        claims={
            TAGS: {
                "principal_tags": {"Team": ["engineering"]},
                "transitive_tag_keys": ["Team"],
            }
        },
        condition={
            "StringEquals": {"aws:RequestTag/Team": "engineering"},
            "ForAnyValue:StringEquals": {"sts:TransitiveTagKeys": "Team", "aws:TagKeys": "Team"},
        },
        outcome=Granted(),
    ),
    Exchange(
        row=Row("6", "nested, value is a bare string"),
        claims={TAGS: {"principal_tags": {"Team": "engineering"}}},
        outcome=Refused("principal_tags passed in claim is not in correct format."),
    ),
    Exchange(
        row=Row("6", "flat tags"),
        claims={
            f"{TAGS}/principal_tags/Team": "engineering",
            f"{TAGS}/transitive_tag_keys": ["Team"],
        },
        condition={"StringEquals": {"aws:RequestTag/Team": "engineering"}},
        outcome=Granted(),
    ),
    Exchange(
        row=Row("6", "source identity"),
        claims={SOURCE_IDENTITY: "source-probe"},
        condition={"StringEquals": {"sts:SourceIdentity": "source-probe"}},
        outcome=Granted({"SourceIdentity": "source-probe"}),
    ),
]
