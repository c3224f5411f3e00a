"""Every kind of difference between a token and a trust policy has its own sentence and mend."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from broker.domain.diagnosis import Check, CheckStatus
from broker.domain.diagnosis.trust import Presented, diagnose_trust
from tests.unit.domain.making import ACCOUNT, ISSUER

NAME = ISSUER.removeprefix("https://")
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{NAME}"
PRESENTED = Presented(
    issuer=ISSUER,
    provider_arn=PROVIDER,
    subject=f"support:{ACCOUNT}",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/Acme-Support-ReadOnly",
    pinned=True,
)
ASSUME, WITH_IT = 0, 1
AUD, SUB = f"{NAME}:aud", f"{NAME}:sub"
TICKET, SOURCE = "aws:RequestTag/Ticket", "sts:SourceIdentity"
PINNED = "sts:RoleAuthorizedByIdp"

Policy = Any
Spoil = Callable[[Policy], object]


def policy() -> Policy:
    """The broker's own policy, as a value of the test's own."""
    return json.loads(json.dumps(PRESENTED.trusting()))


def condition(of: Policy, statement: int = ASSUME) -> Policy:
    """The condition block of a statement."""
    return of["Statement"][statement]["Condition"]


def put(operator: str, key: str, value: object, *, instead_of: str | None = None) -> Spoil:
    """Write a condition into the first statement; `instead_of` names the operator it leaves."""

    def spoil(of: Policy) -> None:
        block = condition(of)
        if instead_of is not None:
            block[instead_of].pop(key)
        block.setdefault(operator, {})[key] = value

    return spoil


def rename(key: str, to: str, *, operator: str = "StringEquals") -> Spoil:
    """Write a condition of the first statement under another key."""

    def spoil(of: Policy) -> None:
        keys = condition(of)[operator]
        keys[to] = keys.pop(key)

    return spoil


def drop(operator: str, key: str) -> Spoil:
    """Take a condition out of the first statement."""
    return lambda of: condition(of)[operator].pop(key)


def trusting(principal: object) -> Spoil:
    """Let both statements trust this principal."""

    def spoil(of: Policy) -> None:
        for statement in of["Statement"]:
            statement["Principal"] = principal

    return spoil


def adding(**statement: object) -> Spoil:
    """Add a statement."""
    return lambda of: of["Statement"].append(statement)


def without_action(action: str) -> Spoil:
    """Take an action out of the second statement."""
    return lambda of: of["Statement"][WITH_IT]["Action"].remove(action)


ANOTHER = "another.example/oidc/1"

FAILING: dict[str, tuple[Spoil, str, str, str]] = {
    "trailing slash in the key": (
        rename(SUB, f"{NAME}/:sub"),
        "The condition key for the subject has a trailing slash after the issuer",
        "refuses every token",
        f'Name the key "{SUB}", exactly.',
    ),
    "scheme in the key": (
        rename(SUB, f"https://{SUB}"),
        "The condition key for the subject begins with a scheme",
        "refuses every token",
        f'Name the key "{SUB}", exactly.',
    ),
    "trailing slash in a key in upper case": (
        rename(SUB, f"{NAME.upper()}/:sub"),
        "The condition key for the subject has a trailing slash after the issuer",
        "refuses every token",
        f'Name the key "{SUB}", exactly.',
    ),
    "scheme and trailing slash in the key": (
        rename(SUB, f"https://{NAME}/:sub"),
        "The condition key for the subject begins with a scheme",
        "refuses every token",
        f'Name the key "{SUB}", exactly.',
    ),
    "another issuer in the key": (
        rename(SUB, f"{ANOTHER}:sub"),
        f'The condition key for the subject names another issuer: "{ANOTHER}:sub"',
        "refuses every token",
        f'Name the key "{SUB}", exactly.',
    ),
    "audience missing": (
        drop("StringEquals", AUD),
        "The condition for the audience is missing",
        "does not ask for the audience",
        'Demand "sts.amazonaws.com" there.',
    ),
    "subject missing": (
        drop("StringEquals", SUB),
        "The condition for the subject is missing",
        "does not ask for the subject",
        f'Demand "support:{ACCOUNT}" there.',
    ),
    "ticket missing": (
        drop("StringLike", TICKET),
        "The condition for the ticket is missing",
        "does not ask for the ticket",
        'Demand "?*" there.',
    ),
    "source identity missing": (
        drop("StringLike", SOURCE),
        "The condition for the source identity is missing",
        "does not ask for the source identity",
        'Demand "?*" there.',
    ),
    "not pinned": (
        drop("Bool", PINNED),
        "The role is not pinned",
        "accepts tokens that name no role",
        'Demand it as "true".',
    ),
    "pinning forbidden": (
        put("Bool", PINNED, "false"),
        "The pinning to one role is forbidden instead of demanded",
        "refuses our tokens, which name their role",
        'Demand "true".',
    ),
    "upper case in the subject": (
        put("StringEquals", SUB, f"SUPPORT:{ACCOUNT}"),
        f'The subject is in another letter case: "SUPPORT:{ACCOUNT}"',
        "character by character",
        f'Demand "support:{ACCOUNT}", exactly.',
    ),
    "trailing slash in the audience": (
        put("StringEquals", AUD, "sts.amazonaws.com/"),
        'The audience has a trailing slash: "sts.amazonaws.com/"',
        "character by character",
        'Demand "sts.amazonaws.com", exactly.',
    ),
    "white space in the audience": (
        put("StringEquals", AUD, " sts.amazonaws.com"),
        "The audience has white space around it",
        "character by character",
        'Demand "sts.amazonaws.com", exactly.',
    ),
    "another audience": (
        put("StringEquals", AUD, "another.audience"),
        'Another audience is demanded: "another.audience"',
        'Our tokens say "sts.amazonaws.com"',
        'Demand "sts.amazonaws.com", exactly.',
    ),
    "an audience more": (
        put("StringEquals", AUD, ["sts.amazonaws.com", "another.audience"]),
        'More than ours is accepted as the audience: "another.audience"',
        "accepts tokens with another audience",
        'Leave "sts.amazonaws.com" alone there.',
    ),
    "wildcard under StringEquals, subject": (
        put("StringEquals", SUB, "support:*"),
        'The subject has a wildcard under StringEquals: "support:*"',
        "takes the wildcard for the character itself",
        f'StringEquals with "support:{ACCOUNT}"',
    ),
    "wildcard under StringEquals, ticket": (
        put("StringEquals", TICKET, "?*", instead_of="StringLike"),
        'The ticket has a wildcard under StringEquals: "?*"',
        "takes the wildcard for the character itself",
        'Use StringLike: StringLike with "?*"',
    ),
    "pattern under StringLike": (
        put("StringLike", SUB, "support:*", instead_of="StringEquals"),
        'The subject is compared with StringLike, not StringEquals, to the pattern "support:*"',
        "accepts every subject that matches",
        "Compare with StringEquals",
    ),
    "the exact value under StringLike": (
        put("StringLike", SUB, f"support:{ACCOUNT}", instead_of="StringEquals"),
        "The subject is compared with StringLike, not StringEquals.",
        "does not decide here as the broker's policy would",
        "Compare with StringEquals",
    ),
    "letter case ignored": (
        put("StringEqualsIgnoreCase", SUB, f"support:{ACCOUNT}", instead_of="StringEquals"),
        "The subject is compared with StringEqualsIgnoreCase, not StringEquals",
        "does not decide here as the broker's policy would",
        "Compare with StringEquals",
    ),
    "IfExists": (
        put("StringLikeIfExists", TICKET, "?*", instead_of="StringLike"),
        "The ticket is compared with StringLikeIfExists, not StringLike",
        "holds where the ticket is absent",
        "Compare with StringLike",
    ),
    "ForAllValues": (
        put("ForAllValues:StringLike", TICKET, "?*", instead_of="StringLike"),
        "The ticket is compared with ForAllValues:StringLike, not StringLike",
        "holds where the ticket is absent",
        "Compare with StringLike",
    ),
    "empty ticket accepted": (
        put("StringLike", TICKET, "*"),
        'The ticket is compared to "*", not to "?*"',
        "accepts what is empty",
        'Demand "?*": anything, but not nothing.',
    ),
    "one more condition": (
        put("IpAddress", "aws:SourceIp", "192.0.2.0/24"),
        'There is one more condition: IpAddress "aws:SourceIp" with "192.0.2.0/24"',
        "refuses every token that does not meet it",
        "Take it out",
    ),
    "provider with a trailing slash": (
        trusting({"Federated": f"{PROVIDER}/"}),
        "The trusted identity provider has a trailing slash",
        "exactly our issuer's",
        f'Trust "{NAME}".',
    ),
    "provider in upper case": (
        trusting({"Federated": PROVIDER.replace("broker", "BROKER")}),
        "The trusted identity provider is in another letter case",
        "exactly our issuer's",
        f'Trust "{NAME}".',
    ),
    "provider of another account": (
        trusting({"Federated": PROVIDER.replace(ACCOUNT, "999999999999")}),
        "An identity provider of another account or partition is trusted",
        "exactly our issuer's",
        f'Trust "{NAME}".',
    ),
    "another provider": (
        trusting({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ANOTHER}"}),
        f'Another identity provider is trusted: "{ANOTHER}"',
        "exactly our issuer's",
        f'Trust "{NAME}".',
    ),
    "anybody": (
        trusting("*"),
        "Others than our identity provider are trusted",
        "without a ticket",
        "nobody else",
    ),
    "our provider and another principal": (
        trusting({"Federated": PROVIDER, "AWS": "*"}),
        "Others than our identity provider are trusted",
        "without a ticket",
        "nobody else",
    ),
    "TagSession missing": (
        without_action("sts:TagSession"),
        "Nothing in it allows sts:TagSession.",
        "refuses every one",
        "Allow sts:TagSession",
    ),
    "SetSourceIdentity missing": (
        without_action("sts:SetSourceIdentity"),
        "Nothing in it allows sts:SetSourceIdentity.",
        "refuses every one",
        "Allow sts:SetSourceIdentity",
    ),
    "AssumeRoleWithWebIdentity missing": (
        lambda of: of["Statement"].pop(ASSUME),
        "Nothing in it allows sts:AssumeRoleWithWebIdentity.",
        "refuses every one",
        "Allow sts:AssumeRoleWithWebIdentity",
    ),
    "a second way in": (
        adding(
            Effect="Allow",
            Principal={"Federated": PROVIDER},
            Action="sts:AssumeRoleWithWebIdentity",
        ),
        "2 statements allow sts:AssumeRoleWithWebIdentity",
        "accepts what any of them does",
        "Leave the broker's statement only.",
    ),
    "another's way in": (
        adding(Effect="Allow", Principal={"AWS": "*"}, Action="sts:AssumeRole"),
        'A statement that is not the broker\'s allows "sts:AssumeRole"',
        "Somebody else gets into this role",
        "Take it out.",
    ),
    "whatever is not named": (
        adding(Effect="Allow", Principal={"AWS": "*"}, NotAction="sts:*"),
        "A statement that is not the broker's allows whatever it does not name.",
        "Somebody else gets into this role",
        "Take it out.",
    ),
    "a denial": (
        adding(Effect="Deny", Principal="*", Action="sts:*"),
        'A statement denies "sts:*"',
        "outweighs every Allow",
        "switch the consent off instead",
    ),
}


def diagnosed(spoil: Spoil) -> tuple[Check, ...]:
    """The checks of the broker's policy, spoilt."""
    spoilt = policy()
    spoil(spoilt)
    return diagnose_trust(PRESENTED, spoilt)


@pytest.mark.parametrize("name", FAILING)
def test_each_difference_is_named(name: str) -> None:
    """One check failed, with what was found, what it means, its own mend and the broker's."""
    spoil, found, meaning, mend = FAILING[name]
    (check,) = diagnosed(spoil)
    assert check.name == "trust policy of Acme-Support-ReadOnly"
    assert check.status is CheckStatus.FAILED
    assert found in check.found
    assert meaning in check.meaning
    assert mend in check.mend
    assert check.mend.endswith(f"`broker accounts sync {ACCOUNT}` writes the whole policy anew.")


def test_no_two_differences_are_told_alike() -> None:
    """Whoever reads the sentence knows which of them it is."""
    told = [diagnosed(spoil)[0].found for spoil, *_ in FAILING.values()]
    alike = {"trusted, or it is not"}
    distinct = [found for found in told if not any(part in found for part in alike)]
    assert len(set(distinct)) == len(distinct)


def test_our_own_policy_is_well() -> None:
    """Also as IAM gives it back: lists in another order, a list of one unwrapped."""
    shuffled = policy()
    shuffled["Statement"].reverse()
    shuffled["Statement"][0]["Action"].reverse()
    condition(shuffled)["StringEquals"][AUD] = ["sts.amazonaws.com"]
    for document in (policy(), shuffled):
        (check,) = diagnose_trust(PRESENTED, document)
        assert (check.status, check.mend) == (CheckStatus.OK, "")


def test_a_key_in_another_letter_case_is_harmless() -> None:
    """IAM reads the names of keys without their case, so sessions still open."""
    (check,) = diagnosed(rename(SUB, SUB.upper()))
    assert check.status is CheckStatus.WARNING
    assert "in another letter case" in check.found


def test_an_unnamed_difference_is_told_too() -> None:
    """Another Sid alone changes nothing that AWS asks about; it is not our policy all the same."""

    def rename_statement(of: Policy) -> None:
        of["Statement"][0]["Sid"] = "Renamed"

    (check,) = diagnosed(rename_statement)
    assert check.status is CheckStatus.WARNING
    assert "without a difference that has a name" in check.found


def test_booleans_have_no_letter_case() -> None:
    """`True` demands the pinning as well as `true` does."""
    for value in ("True", True):
        checks = diagnosed(put("Bool", PINNED, value))
        assert {check.status for check in checks} <= {CheckStatus.OK, CheckStatus.WARNING}


def test_what_a_second_statement_grants_by_leaving_out() -> None:
    """NotAction grants AssumeRoleWithWebIdentity too where it does not name it."""
    check, *_ = diagnosed(
        adding(Effect="Allow", Principal={"Federated": PROVIDER}, NotAction="sts:*Session*")
    )
    assert "2 statements allow sts:AssumeRoleWithWebIdentity" in check.found


def test_several_differences_are_all_told() -> None:
    """Mending the first must not be what shows the second."""

    def spoil(of: Policy) -> None:
        drop("Bool", PINNED)(of)
        put("StringEquals", SUB, "support:*")(of)
        without_action("sts:TagSession")(of)

    assert len(diagnosed(spoil)) == 3


def test_the_audience_of_both_statements_is_looked_at() -> None:
    """The second statement lets the ticket in, so what it demands counts as much."""

    def spoil(of: Policy) -> None:
        condition(of, WITH_IT)["StringEquals"] = {f"{NAME}/:aud": "sts.amazonaws.com"}

    (check,) = diagnosed(spoil)
    assert "trailing slash" in check.found


def test_an_unpinned_partition_does_not_want_pinning() -> None:
    """Where AWS does not know the key, demanding it would lock us out."""
    unpinned = Presented(
        issuer=ISSUER,
        provider_arn=PROVIDER,
        subject=f"support:{ACCOUNT}",
        role_arn=PRESENTED.role_arn,
        pinned=False,
    )
    (well,) = diagnose_trust(unpinned, unpinned.trusting())
    assert well.status is CheckStatus.OK
    (check,) = diagnose_trust(unpinned, policy())
    assert "There is one more condition: Bool" in check.found


@pytest.mark.parametrize(
    "document",
    [{}, {"Statement": []}, {"Statement": "x"}, {"Statement": [None, 1]}, {"Statement": {}}],
)
def test_what_is_no_policy_allows_nothing(document: dict[str, object]) -> None:
    """Whatever IAM gives back, it is diagnosed and nothing breaks."""
    checks = diagnose_trust(PRESENTED, document)
    assert {check.status for check in checks} == {CheckStatus.FAILED}
    assert "Nothing in it allows sts:AssumeRoleWithWebIdentity." in checks[0].found


def test_a_customers_text_cannot_act_where_it_is_printed() -> None:
    """No control character, no endless line: a terminal shows what it is."""
    (check,) = diagnosed(put("StringEquals", SUB, "\x1b[2J\n" + "x" * 5000))
    assert check.found.isprintable()
    assert len(check.found) < 300
