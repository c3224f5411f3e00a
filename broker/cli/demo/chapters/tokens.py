"""Tokens signed with an account's real key that AWS must refuse all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from broker.cli.demo.forger import ACCEPTED, Forger, expired, forger_of, tampered
from broker.cli.demo.story import Step, Steps
from broker.cli.demo.world import ACCOUNT_ID, OTHER_ACCOUNT_ID, World
from broker.domain.canaries import without, without_tag
from broker.domain.claims import ROLES_CLAIM, SOURCE_IDENTITY_CLAIM, TICKET_TAG
from broker.domain.grants import Access
from broker.services.ambient import utc_now

INVALID, DENIED, EXPIRED = "InvalidIdentityToken", "AccessDenied", "ExpiredTokenException"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A token, the role it is presented at, and the code that AWS must answer with."""

    title: str
    identity_token: str
    role_arn: str
    expected: str


def steps(world: World) -> Steps:
    """A good token is taken; each of the others differs from it in one thing."""
    forger = forger_of(world.stage, ACCOUNT_ID, OTHER_ACCOUNT_ID)
    for attempt in (*_of_this_account(forger), *_elsewhere(forger)):
        verdict = forger.present(attempt.identity_token, at_role=attempt.role_arn)
        yield Step(
            title=attempt.title,
            expected=attempt.expected,
            got=verdict.code,
            detail=verdict.words,
        )


def _of_this_account(forger: Forger) -> Iterator[Attempt]:
    role = forger.role(ACCOUNT_ID, Access.READ)
    other_role = forger.role(ACCOUNT_ID, Access.CASE)
    good = forger.claims(ACCOUNT_ID)
    good_token = forger.sign(ACCOUNT_ID, good)
    spoilt = {
        "a token without the ticket tag": (without_tag(good, TICKET_TAG), DENIED),
        "a token without source identity": (without(good, SOURCE_IDENTITY_CLAIM), DENIED),
        "a token pinned to no role": (without(good, ROLES_CLAIM), DENIED),
        "a token pinned to the other role": ({**good, ROLES_CLAIM: [other_role]}, INVALID),
        "a token that ended long ago": (forger.claims(ACCOUNT_ID, now=expired(utc_now())), EXPIRED),
    }
    yield Attempt("a good token", good_token, role, ACCEPTED)
    for title, (claims, expected) in spoilt.items():
        yield Attempt(title, forger.sign(ACCOUNT_ID, claims), role, expected)
    changed = tampered(good_token, ticket="T-9999")
    yield Attempt("a token changed after it was signed", changed, role, INVALID)


def _elsewhere(forger: Forger) -> Iterator[Attempt]:
    """What the first account's key can do at the second account, with the best of claims."""
    foreign_role = forger.role(OTHER_ACCOUNT_ID, Access.READ)
    good_there = forger.claims(OTHER_ACCOUNT_ID)
    own = {**good_there, "iss": forger.accounts[ACCOUNT_ID].issuer}
    yield Attempt(
        "a token of the one account at the other",
        forger.sign(ACCOUNT_ID, own),
        foreign_role,
        INVALID,
    )
    yield Attempt(
        "the same, in the name of the other's issuer",
        forger.sign(ACCOUNT_ID, good_there),
        foreign_role,
        INVALID,
    )
