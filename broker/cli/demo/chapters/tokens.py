"""Tokens signed with an account's real key that AWS must refuse all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from broker.cli.demo.forger import ACCEPTED, Forger, Verdict, forger_of, tampered
from broker.cli.demo.steps import Step, Steps
from broker.cli.demo.world import ACCOUNT_ID, OTHER_ACCOUNT_ID, World
from broker.domain.canaries import without, without_tag
from broker.domain.claims import ROLES_CLAIM, SOURCE_IDENTITY_CLAIM, TICKET_TAG
from broker.domain.grants import Access
from broker.services.ambient import utc_now

ACCESS_DENIED = Verdict("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
EXPIRED = Verdict("ExpiredTokenException", "Token expired")
BAD_SIGNATURE = Verdict("InvalidIdentityToken", "could not be validated")
OTHER_ROLE = Verdict("InvalidIdentityToken", "not present in the roles claim")
UNKNOWN_ISSUER = Verdict("InvalidIdentityToken", "No OpenIDConnect provider found")
UNKNOWN_KEY = Verdict("InvalidIdentityToken", "Couldn't retrieve verification key")
"""What AWS says, and the words by which refusals with the same code are told apart."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A token, the role it is presented at, and what AWS must answer."""

    title: str
    identity_token: str
    role_arn: str
    expected: Verdict


def steps(world: World) -> Steps:
    """A good token is taken; each of the others differs from it in one thing."""
    forger = forger_of(world.stage, ACCOUNT_ID, OTHER_ACCOUNT_ID)
    for attempt in (*_at_this_account(forger), *_at_the_other(forger)):
        verdict = forger.present(attempt.identity_token, at_role=attempt.role_arn)
        yield Step(
            title=attempt.title,
            expected=attempt.expected.code,
            got=verdict.code if attempt.expected.words in verdict.words else str(verdict),
            detail=verdict.words,
        )


def _at_this_account(forger: Forger) -> Iterator[Attempt]:
    role = forger.role(ACCOUNT_ID, Access.READ)
    other_role = forger.role(ACCOUNT_ID, Access.CASE)
    good = forger.claims(ACCOUNT_ID)
    good_token = forger.sign(ACCOUNT_ID, good)
    old = forger.claims(ACCOUNT_ID, now=utc_now() - timedelta(hours=1))
    spoilt = {
        "without the ticket tag": (without_tag(good, TICKET_TAG), ACCESS_DENIED),
        "without source identity": (without(good, SOURCE_IDENTITY_CLAIM), ACCESS_DENIED),
        "pinned to no role": (without(good, ROLES_CLAIM), ACCESS_DENIED),
        "pinned to the other role": ({**good, ROLES_CLAIM: [other_role]}, OTHER_ROLE),
        "of an hour ago": (old, EXPIRED),
    }
    yield Attempt("a good token is accepted", good_token, role, ACCEPTED)
    for fault, (claims, verdict) in spoilt.items():
        token = forger.sign(ACCOUNT_ID, claims)
        yield Attempt(f"a token {fault} is refused", token, role, verdict)
    changed = tampered(good_token, ticket="T-9999")
    yield Attempt("a token changed after it was signed is refused", changed, role, BAD_SIGNATURE)


def _at_the_other(forger: Forger) -> Iterator[Attempt]:
    """What the first account's key can do at the second account, with the best of claims."""
    role = forger.role(OTHER_ACCOUNT_ID, Access.READ)
    good_there = forger.claims(OTHER_ACCOUNT_ID)
    own_issuer = {**good_there, "iss": forger.accounts[ACCOUNT_ID].issuer}
    token = forger.sign(ACCOUNT_ID, own_issuer)
    yield Attempt("a token of one account is refused at the other", token, role, UNKNOWN_ISSUER)
    token = forger.sign(ACCOUNT_ID, good_there)
    yield Attempt("the same in the other issuer's name is refused", token, role, UNKNOWN_KEY)
