"""What a token presents, set beside what a role's trust policy demands: every difference by name.

AWS answers all of them with one and the same refusal, and CloudTrail shows none of the reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from broker.domain.diagnosis import Check
from broker.domain.diagnosis.conditions import Difference, condition_differences, shown
from broker.domain.iam_documents import Document, trust_policy
from broker.domain.lifecycle import same_document

_ASSUME = "sts:AssumeRoleWithWebIdentity"
_WITH_IT = ("sts:TagSession", "sts:SetSourceIdentity")
"""Tokens that carry tags and a source identity amount to these actions too (IAM User Guide)."""

Statement = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What every token for one role of one account says of itself."""

    issuer: str
    provider_arn: str
    subject: str
    role_arn: str
    pinned: bool
    """Whether the trust policy is to demand that tokens name this role."""

    @property
    def role_name(self) -> str:
        """The role's name, without its path."""
        return self.role_arn.rpartition("/")[2]

    @property
    def account_id(self) -> str:
        """The account that the role is in."""
        return self.role_arn.split(":")[4]

    def trusting(self) -> Document:
        """The trust policy that lets in what is presented, and nothing else."""
        return trust_policy(
            issuer=self.issuer,
            provider_arn=self.provider_arn,
            subject=self.subject,
            pinned=self.pinned,
        )


def diagnose_trust(presented: Presented, trust: Document) -> tuple[Check, ...]:
    """One check that is well, or one for each difference."""
    name = f"trust policy of {presented.role_name}"
    wanted = presented.trusting()
    if same_document(trust, wanted):
        return (Check.ok(name, "It demands exactly what our tokens present."),)
    return tuple(
        _check(name, difference, presented.account_id)
        for difference in _differences(presented, wanted, trust)
    )


def _check(name: str, difference: Difference, account_id: str) -> Check:
    mend = f"{difference.mend} `broker accounts sync {account_id}` writes the whole policy anew."
    making = Check.warning if difference.harmless else Check.failed
    return making(name, difference.found, meaning=difference.meaning, mend=mend)


def _differences(presented: Presented, wanted: Document, trust: Document) -> Iterator[Difference]:
    assuming, with_it = _statements(wanted)
    statements = _statements(trust)
    ours = [
        statement
        for statement in statements
        if statement.get("Effect") == "Allow"
        and any(_grants(statement, action) for action in (_ASSUME, *_WITH_IT))
    ]
    found = [
        *_of_action(presented, _ASSUME, assuming, ours),
        *(
            difference
            for action in _WITH_IT
            for difference in _of_action(presented, action, with_it, ours)
        ),
        *(_foreign(statement) for statement in statements if statement not in ours),
    ]
    # Two actions of one statement differ in the same way.
    yield from dict.fromkeys(found) or [_UNNAMED]


_UNNAMED = Difference(
    found="It is not the broker's word for word, without a difference that has a name.",
    meaning="The canaries tell whether AWS decides as it should.",
    mend="Have it written anew.",
    harmless=True,
)


def _of_action(
    presented: Presented, action: str, wanted: Statement, ours: Sequence[Statement]
) -> Iterator[Difference]:
    """How the statements that allow `action` differ from the one that should."""
    granting = [statement for statement in ours if _grants(statement, action)]
    if not granting:
        yield Difference(
            found=f"Nothing in it allows {action}.",
            meaning="Our tokens ask for it, so AWS refuses every one.",
            mend=f"Allow {action} to the identity provider.",
        )
        return
    each = [list(_of_statement(presented, wanted, statement)) for statement in granting]
    yield from min(each, key=len)
    if len(granting) > 1:
        yield Difference(
            found=f"{len(granting)} statements allow {action}, where there should be one.",
            meaning="What one of them demands, another may not: AWS accepts what any of them does.",
            mend="Leave the broker's statement only.",
        )


def _of_statement(
    presented: Presented, wanted: Statement, statement: Statement
) -> Iterator[Difference]:
    yield from _of_principal(presented, statement.get("Principal"))
    yield from condition_differences(wanted.get("Condition"), statement.get("Condition"))


def _of_principal(presented: Presented, principal: object) -> Iterator[Difference]:
    federated = principal.get("Federated") if isinstance(principal, Mapping) else None
    if principal == {"Federated": presented.provider_arn}:
        return
    mend = "Trust the identity provider of our issuer and nobody else."
    if isinstance(federated, str) and len(principal) == 1:  # type: ignore[arg-type]
        yield Difference(
            found=f"{_how_provider_differs(federated, presented.provider_arn)}: "
            f"{shown(_provider_name(federated))}.",
            meaning="AWS looks for the provider whose name is exactly our issuer's, so it refuses "
            "every token.",
            mend=f"Trust {shown(_provider_name(presented.provider_arn))}.",
        )
    else:
        yield Difference(
            found="Others than our identity provider are trusted, or it is not.",
            meaning="Who is named there gets in, without a ticket, or we do not.",
            mend=mend,
        )


def _how_provider_differs(found: str, wanted: str) -> str:
    if found.rstrip("/") == wanted:
        return "The trusted identity provider has a trailing slash"
    if found.casefold() == wanted.casefold():
        return "The trusted identity provider is in another letter case"
    if _provider_name(found) == _provider_name(wanted):
        return "An identity provider of another account or partition is trusted"
    return "Another identity provider is trusted"


def _provider_name(arn: str) -> str:
    """The host and path of the issuer in a provider's ARN."""
    return arn.partition("oidc-provider/")[2] or arn


def _foreign(statement: Statement) -> Difference:
    if statement.get("Effect") == "Deny":
        return Difference(
            found=f"A statement denies {_named_actions(statement)}.",
            meaning="A Deny outweighs every Allow, so AWS may refuse every token.",
            mend="Take it out, unless it is meant to keep us out: then switch the consent off "
            "instead.",
        )
    return Difference(
        found=f"A statement that is not the broker's allows {_named_actions(statement)}.",
        meaning="Somebody else gets into this role, without a ticket.",
        mend="Take it out.",
    )


def _named_actions(statement: Statement) -> str:
    listed = ", ".join(_listed(statement.get("Action")))
    return shown(listed) if listed else "whatever it does not name"


def _grants(statement: Statement, action: str) -> bool:
    if "Action" not in statement:
        return not any(_matches(p, action) for p in _listed(statement.get("NotAction")))
    return any(_matches(pattern, action) for pattern in _listed(statement["Action"]))


def _matches(pattern: str, action: str) -> bool:
    """Whether an action pattern of IAM's matches; it knows `*` and `?`, and no letter case."""
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, action, re.IGNORECASE) is not None


def _statements(document: Document) -> list[Statement]:
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return [statement for statement in listed if isinstance(statement, Mapping)]


def _listed(value: object) -> list[str]:
    listed = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return [str(member) for member in listed]
