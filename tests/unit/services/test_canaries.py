"""Canaries: what counts as accepted, as refused, and as neither."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from broker.domain.accounts import Account, Consent
from broker.domain.claims import ROLES_CLAIM, TAGS_CLAIM
from broker.domain.diagnosis import CheckStatus
from broker.domain.grants import Access
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import Event
from broker.domain.role_plan import RolePolicy
from broker.errors import BrokerError, DependencyUnavailable, UpstreamRejected
from broker.services.ambient import Entropy
from broker.services.calls import Call
from broker.services.diagnosis.enforcement import EnforcementExamination
from broker.services.lifecycle.canaries import Canaries, CanaryResult, access_keys
from tests.unit.domain.making import NOW, OTHER_ACCOUNT, account

CALL = Call(
    caller=Caller(subject="operator:tests", roles=frozenset({Role.ADMIN})),
    request_id="tests",
    source_address="local",
)
UNREACHABLE = UpstreamRejected("AWS could not fetch.", code="issuer_unreachable_from_aws")
OUTAGE = DependencyUnavailable("AWS does not answer.", code="aws_unavailable")

Judge = Callable[[Mapping[str, Any], str], BrokerError | None]
"""From claims and role to AWS's refusal, or None where it accepts."""


def is_good(claims: Mapping[str, Any], role_arn: str) -> bool:
    """Whether AWS should accept these claims for the role."""
    return (
        claims["iss"] == account().issuer
        and claims["aud"] == "sts.amazonaws.com"
        and claims["sub"].startswith("support:1")
        and claims.get(ROLES_CLAIM) == [role_arn]
        and {"Ticket", "Session"} <= claims[TAGS_CLAIM]["principal_tags"].keys()
        and "https://aws.amazon.com/source_identity" in claims
    )


def strict(claims: Mapping[str, Any], role_arn: str) -> BrokerError | None:
    """AWS as it should be."""
    return None if is_good(claims, role_arn) else UpstreamRejected("No.")


def canaries(judge: Judge) -> Canaries:
    """Canaries in front of an AWS that judges like this; nobody waits."""
    minted: dict[str, Mapping[str, Any]] = {}

    def mint(_: object, claims: Mapping[str, Any]) -> SimpleNamespace:
        name = str(len(minted))
        minted[name] = claims
        return SimpleNamespace(compact=name)

    def exchange(
        *, identity_token: str, role_arn: str, session_policy: str, **_: Any
    ) -> SimpleNamespace:
        assert '"Effect":"Deny"' in session_policy
        error = judge(minted[identity_token], role_arn)
        if error is not None:
            raise error
        return SimpleNamespace(access_key_id=f"ASIA{identity_token}")

    return Canaries(
        minter=SimpleNamespace(mint=mint),
        exchange=SimpleNamespace(exchange=exchange),
        policy=RolePolicy(
            name_prefix="Acme",
            longest_session=timedelta(hours=4),
            pinned_partitions=frozenset({"aws"}),
        ),
        clock=lambda: NOW,
        entropy=Entropy(),
        sleep=lambda _: None,
        waits=(),
    )


def proved(made: Canaries) -> list[CanaryResult]:
    """The results of both roles' canaries."""
    return list(made.prove(account(), made.new_session()))


def refusing_spoilt_with(error: BrokerError) -> Judge:
    """An AWS that accepts what is good, and meets this with everything else."""
    return lambda claims, role_arn: None if is_good(claims, role_arn) else error


def test_an_aws_that_enforces_everything() -> None:
    """Each role: one accepted, eight refused."""
    results = proved(canaries(strict))
    assert len(results) == 18
    assert {result.problem for result in results} == {None}


NEIGHBOUR = account(account_id=OTHER_ACCOUNT, issuer="https://broker.example.com/oidc/" + "b" * 32)


def test_an_account_that_takes_its_neighbours_tokens_is_found_out() -> None:
    """One account, one issuer, one key (promise 1): AWS has to refuse another account's token."""

    def trusts_the_neighbour(claims: Mapping[str, Any], role_arn: str) -> BrokerError | None:
        from_next_door = claims["iss"] == NEIGHBOUR.issuer and claims["sub"].startswith("support:4")
        return None if from_next_door else strict(claims, role_arn)

    made = replace(canaries(trusts_the_neighbour), neighbour=lambda _: NEIGHBOUR)
    problems = {r.name: r.problem for r in proved(made) if r.problem is not None}
    assert problems == {
        f"{access.value}: a token of another account": "AWS accepted it" for access in Access
    }


def test_a_neighbour_whose_key_is_gone_is_not_waited_for() -> None:
    """Another account's trouble must not keep this one from being proved."""

    def mint(bearer: Account, claims: Mapping[str, Any]) -> SimpleNamespace:
        if bearer == NEIGHBOUR:
            raise OUTAGE
        return good.minter.mint(bearer, claims)

    good = canaries(strict)
    made = replace(good, neighbour=lambda _: NEIGHBOUR, minter=SimpleNamespace(mint=mint))
    assert {result.problem for result in proved(made)} == {None}


@pytest.mark.parametrize("error", [UNREACHABLE, OUTAGE])
def test_a_refusal_for_another_reason_proves_nothing(error: BrokerError) -> None:
    """AWS that gets no keys, or does not answer, has not judged the spoilt token."""
    with pytest.raises(type(error)):
        proved(canaries(refusing_spoilt_with(error)))


def test_a_fresh_role_is_tried_again() -> None:
    """AWS refuses a new role for some seconds, and that looks like a refusal for good."""
    refusals = [UpstreamRejected("No."), UpstreamRejected("No.")]
    waited: list[float] = []
    made = replace(
        canaries(lambda *_: refusals.pop() if refusals else None),
        waits=(timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=3)),
        sleep=waited.append,
    )
    positive = next(made.of_role(account(), Access.READ, made.new_session()))
    assert (positive.problem, waited) == (None, [1.0, 2.0])


def test_keys_that_aws_cannot_fetch_are_not_waited_for() -> None:
    """Only a refusal may be a role's youth."""
    waited: list[float] = []
    made = replace(
        canaries(lambda *_: UNREACHABLE), waits=(timedelta(seconds=1),), sleep=waited.append
    )
    assert len(list(made.of_role(account(), Access.READ, made.new_session()))) == 1
    assert waited == []


class Ledger:
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, chain: object, event: Event, *, now: object) -> None:
        """Keep it."""
        del chain, now
        self.events.append(event)


def examined(judge: Judge, **changes: object) -> tuple[dict[str, tuple[CheckStatus, str]], Ledger]:
    """How each check ended, and what the ledger was told."""
    ledger = Ledger()
    examination = EnforcementExamination(
        canaries=canaries(judge), journal=ledger, clock=lambda: NOW
    )
    checks = examination.enforced(account(**changes), CALL)
    return {check.name: (check.status, check.found) for check in checks}, ledger


def test_what_is_enforced_is_well() -> None:
    """Recorded before and after, as the doctor's."""
    found, ledger = examined(strict)
    assert {status for status, _ in found.values()} == {CheckStatus.OK}
    assert [event.outcome for event in ledger.events] == ["intended", "done"]
    assert {event.reason for event in ledger.events} == {"doctor"}


def test_the_ledger_can_tell_the_canaries_in_the_trail() -> None:
    """One name for the whole run, told before; after it, the keys that AWS gave out."""
    _, ledger = examined(strict)
    intended, done = ledger.events
    assert intended.ids["own_session"] == done.ids["own_session"]
    short = done.ids["own_session"][2:10]
    assert intended.details["own_session_name"] == f"broker-canary@canary-{short}"
    assert "own_access_keys" not in intended.details
    assert len(done.details["own_access_keys"]) == len(Access)


def test_all_canaries_of_a_run_go_by_one_name() -> None:
    """What AWS refused has no key, so its name is all that the trail has of it."""
    names: set[str] = set()
    made = canaries(strict)

    def exchange(*, role_session_name: str, **asked: Any) -> SimpleNamespace:
        names.add(role_session_name)
        return made.exchange.exchange(**asked)

    own = made.new_session()
    noted = replace(made, exchange=SimpleNamespace(exchange=exchange))
    results = list(noted.prove(account(), own))
    assert names == {own.role_session_name}
    assert len(access_keys(results)) == len(Access)


def test_what_is_accepted_is_named_even_if_the_rest_could_not_be_tried() -> None:
    """A finding is not lost because AWS stops answering after it."""

    found, ledger = examined(
        lambda claims, _: None if claims["aud"] == "sts.amazonaws.com" else OUTAGE
    )
    status, sentence = found["negative canaries of the read role"]
    assert status is CheckStatus.FAILED
    assert "a token without the ticket tag" in sentence
    assert ledger.events[-1].outcome == "failed"
    assert (
        "read: a token without the ticket tag: AWS accepted it"
        in (ledger.events[-1].details["failed"])
    )


@pytest.mark.parametrize("error", [UNREACHABLE, OUTAGE])
def test_what_could_not_be_tried_is_no_pass(error: BrokerError) -> None:
    """Neither for the doctor nor in the ledger."""
    found, ledger = examined(refusing_spoilt_with(error))
    assert found["canary of the read role"][0] is CheckStatus.OK
    assert found["negative canaries of the read role"] == (
        CheckStatus.NOT_RUN,
        error.public_message,
    )
    assert ledger.events[-1].outcome == "failed"


def test_an_outage_is_no_refusal() -> None:
    """The good token was not judged, so the check did not run."""
    found, _ = examined(lambda *_: OUTAGE)
    assert {status for status, _ in found.values()} == {CheckStatus.NOT_RUN}
    assert len(found) == 2 * len(Access)


def test_keys_that_aws_cannot_fetch() -> None:
    """The code tells it from a trust policy that refuses."""
    found, _ = examined(lambda *_: UNREACHABLE)
    status, sentence = found["canary of the read role"]
    assert status is CheckStatus.FAILED
    assert "issuer_unreachable_from_aws" in sentence


def test_nothing_is_tried_while_the_consent_is_off() -> None:
    """Nor written down: nothing happened."""
    found, ledger = examined(strict, consent=Consent.OFF)
    assert {status for status, _ in found.values()} == {CheckStatus.NOT_RUN}
    assert ledger.events == []
