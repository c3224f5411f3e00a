"""What the doctor makes of what it finds: verdicts, the issuer, the provider, clock and account."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.diagnosis import Check, CheckStatus, Diagnosis
from broker.domain.diagnosis.estate import diagnose_boundary, diagnose_provider, diagnose_rest
from broker.domain.diagnosis.issuer import (
    Certificate,
    Fetched,
    Unreachable,
    diagnose_certificate,
    diagnose_discovery,
    diagnose_jwks,
)
from broker.domain.diagnosis.surroundings import (
    OwnIdentity,
    diagnose_clock,
    diagnose_credentials,
)
from broker.domain.issuer_documents import discovery
from broker.domain.observed import Observed, ObservedProvider, ObservedRole
from broker.domain.role_plan import RolePolicy, wanted_in
from broker.domain.steps import AttachPolicy, SetTrustPolicy
from tests.unit.domain.making import ACCOUNT, ISSUER, NOW, account

OK, WARNING, FAILED, NOT_RUN = (
    CheckStatus.OK,
    CheckStatus.WARNING,
    CheckStatus.FAILED,
    CheckStatus.NOT_RUN,
)
CACHEABLE = "public, max-age=3600"
DISCOVERY = json.dumps(discovery(ISSUER, ())).encode()
POLICY = RolePolicy(
    name_prefix="Acme", longest_session=timedelta(hours=4), pinned_partitions=frozenset({"aws"})
)
WANTED = wanted_in(account(), POLICY, now=NOW)
READ = WANTED.roles[0]


def check(status: CheckStatus) -> Check:
    """A check that ended like this."""
    return Check(name="x", status=status, found="Found.", meaning="Means.", mend="Mend.")


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ([], FAILED),
        ([OK], OK),
        ([OK, WARNING], WARNING),
        ([OK, NOT_RUN], FAILED),
        ([WARNING, FAILED], FAILED),
        ([OK, FAILED, OK], FAILED),
    ],
)
def test_a_check_that_did_not_run_is_never_a_pass(
    statuses: list[CheckStatus], verdict: CheckStatus
) -> None:
    """Nor is a diagnosis that checked nothing."""
    assert Diagnosis(tuple(check(status) for status in statuses)).verdict is verdict


def fetched(**changes: object) -> Fetched:
    """A good answer with the discovery document, spoilt by `changes`."""
    good = Fetched(
        status=200,
        cache_control=CACHEABLE,
        location="",
        body=DISCOVERY,
        took=timedelta(milliseconds=30),
    )
    return replace(good, **changes)


def told(one: Check) -> tuple[CheckStatus, str]:
    """What a check ended with; whatever is not well says what it means and how to mend it."""
    assert bool(one.meaning) == bool(one.mend) == (one.status is not OK)
    return one.status, one.found


ANSWERS = {
    "unreachable": (
        Unreachable("No connection to it could be made."),
        FAILED,
        "No connection to it could be made.",
    ),
    "redirected": (
        fetched(status=301, location="https://elsewhere.example/"),
        FAILED,
        'It is redirected (301) to "https://elsewhere.example/".',
    ),
    "not found": (fetched(status=404), FAILED, "It is answered with the status 404."),
    "slow": (fetched(took=timedelta(seconds=3)), WARNING, "It took 3.0 s."),
    "too slow": (fetched(took=timedelta(seconds=5)), FAILED, "It took 5.0 s."),
    "no-cache": (fetched(cache_control="no-cache"), FAILED, 'Its Cache-Control is "no-cache".'),
    "no-store": (
        fetched(cache_control="max-age=3600, no-store"),
        FAILED,
        'Its Cache-Control is "max-age=3600, no-store".',
    ),
    "nothing said": (fetched(cache_control=""), FAILED, 'Its Cache-Control is "".'),
    "too short": (
        fetched(cache_control="max-age=299"),
        FAILED,
        'Its Cache-Control is "max-age=299".',
    ),
    "too long": (
        fetched(cache_control="max-age=172800"),
        WARNING,
        "It may be cached for 2 days, 0:00:00.",
    ),
    "no JSON": (fetched(body=b"<html>"), FAILED, "The answer is no JSON object."),
    "no object": (fetched(body=b"[]"), FAILED, "The answer is no JSON object."),
    "deep": (fetched(body=b"[" * 9999), FAILED, "The answer is no JSON object."),
    "another issuer": (
        fetched(body=DISCOVERY.replace(ISSUER.encode(), f"{ISSUER}/".encode(), 1)),
        FAILED,
        f'Its `issuer` is "{ISSUER}/", not "{ISSUER}".',
    ),
    "well in upper case": (
        fetched(cache_control="Public, Max-Age=3600"),
        OK,
        "It is served in 0.03 s, cacheable, and names the issuer exactly.",
    ),
    "well": (fetched(), OK, "It is served in 0.03 s, cacheable, and names the issuer exactly."),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_discovery_as_aws_finds_it(name: str) -> None:
    """Reachable, in time, cacheable, and of this very issuer."""
    answer, status, found = ANSWERS[name]
    (one,) = diagnose_discovery(ISSUER, answer)
    assert told(one) == (status, found)


def test_another_place_of_the_keys_is_told_and_never_followed() -> None:
    """`jwks_uri` comes from the network, so it is compared and not fetched."""
    document = {**discovery(ISSUER, ()), "jwks_uri": "http://169.254.169.254/latest/"}
    (one,) = diagnose_discovery(ISSUER, fetched(body=json.dumps(document).encode()))
    assert told(one)[0] is FAILED
    assert "`jwks_uri`" in one.found


@pytest.mark.parametrize(
    ("kids", "problems"),
    [
        (["active", "staged"], []),
        (["active", "staged", "retiring"], []),
        (["staged"], ["The key that signs is not among them"]),
        (["active"], ["The staged key is not among them"]),
        (["active", "staged", "stranger"], ["the account's record does not have"]),
        ([], ["The key that signs", "The staged key"]),
    ],
)
def test_published_keys(kids: list[str], problems: list[str]) -> None:
    """The active and the staged key stand there, and nobody's else."""
    body = json.dumps({"keys": [{"kid": kid} for kid in kids]}).encode()
    checks = list(
        diagnose_jwks(
            signing=["active"], staged=["staged"], retiring=["retiring"], fetched=fetched(body=body)
        )
    )
    if not problems:
        assert [told(one)[0] for one in checks] == [OK]
        return
    assert [told(one)[0] for one in checks] == [FAILED] * len(problems)
    for one, problem in zip(checks, problems, strict=True):
        assert problem in one.found


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (Unreachable("It did not answer within 5 s."), "It did not answer within 5 s."),
        (fetched(status=503), "It is answered with the status 503."),
        (fetched(body=b"[]"), "The answer is no JSON object."),
    ],
)
def test_keys_that_are_not_answered(answer: Fetched | Unreachable, found: str) -> None:
    """One fault, and nothing said of keys that nobody has seen."""
    (one,) = diagnose_jwks(signing=["active"], staged=[], retiring=[], fetched=answer)
    assert told(one) == (FAILED, found)


@pytest.mark.parametrize("body", [b'{"keys": null}', b'{"keys": [1]}', b"{}"])
def test_a_jwks_that_is_none(body: bytes) -> None:
    """What holds no keys holds none of ours."""
    checks = diagnose_jwks(signing=["active"], staged=[], retiring=[], fetched=fetched(body=body))
    assert [told(one)[0] for one in checks] == [FAILED]


def certificate(days: int, *, is_public: bool = True) -> Certificate:
    """A certificate that is valid for so many more days."""
    return Certificate(
        expires_at=NOW + timedelta(days=days), address="192.0.2.1", is_public=is_public
    )


@pytest.mark.parametrize(
    ("seen", "status", "found"),
    [
        (certificate(60), OK, "Its chain is valid for 60 more days."),
        (certificate(13), WARNING, "Its chain is valid for 13 more days."),
        (certificate(60, is_public=False), WARNING, "the host is at 192.0.2.1"),
        (Unreachable("Its chain is not valid: expired."), FAILED, "Its chain is not valid"),
    ],
)
def test_the_certificate(seen: Certificate | Unreachable, status: CheckStatus, found: str) -> None:
    """Verified as AWS verifies it, and early enough to renew it."""
    one = diagnose_certificate(seen, now=NOW)
    assert told(one)[0] is status
    assert found in one.found


@pytest.mark.parametrize(
    ("seconds", "status", "found"),
    [
        (0, OK, "It is right."),
        (20, OK, "It is 19 s away from AWS's."),
        (60, WARNING, "It is 59 s ahead of AWS's."),
        (-60, WARNING, "It is 60 s behind AWS's."),
        (400, FAILED, "It is 399 s ahead of AWS's."),
        (-400, FAILED, "It is 400 s behind AWS's."),
    ],
)
def test_the_clock(seconds: int, status: CheckStatus, found: str) -> None:
    """AWS tolerates 300 s; its Date is precise to a second."""
    ours = NOW + timedelta(seconds=seconds)
    assert told(diagnose_clock(NOW, asked_at=ours, answered_at=ours)) == (status, found)


def test_a_slow_answer_is_no_skew() -> None:
    """AWS wrote its Date at some moment between question and answer."""
    one = diagnose_clock(NOW, asked_at=NOW - timedelta(seconds=40), answered_at=NOW)
    assert told(one) == (OK, "It is right.")


def test_a_clock_that_could_not_be_compared() -> None:
    """Without AWS's time nothing is known."""
    assert diagnose_clock(None, asked_at=NOW, answered_at=NOW).status is NOT_RUN


@pytest.mark.parametrize(
    ("account_id", "refusal", "status", "found"),
    [
        ("999900001111", "", OK, "that customers' management roles trust"),
        ("123456789012", "", FAILED, "the account 123456789012"),
        (None, "ExpiredToken", FAILED, "(ExpiredToken)"),
    ],
)
def test_the_brokers_credentials(
    account_id: str | None, refusal: str, status: CheckStatus, found: str
) -> None:
    """They must be of the account whose number every customer's stack was given."""
    identity = OwnIdentity(account_id=account_id, refusal=refusal, at=NOW)
    one = diagnose_credentials(identity, vendor_account_id="999900001111")
    assert told(one)[0] is status
    assert found in one.found


def provider(*client_ids: str) -> Observed:
    """An account with a provider that knows these audiences."""
    return Observed(provider=ObservedProvider(client_ids=frozenset(client_ids)))


def beside(arn: str) -> Observed:
    """An account without our provider, and with another one of the broker's host."""
    return Observed(provider=None, leftover_providers=(arn,))


@pytest.mark.parametrize(
    ("observed", "status", "found"),
    [
        (provider("sts.amazonaws.com"), OK, "under the issuer's exact URL"),
        (provider(), FAILED, 'Our audience is not among its client ids: "sts.amazonaws.com".'),
        (provider("other"), FAILED, 'There is "other".'),
        (provider("sts.amazonaws.com", "other"), WARNING, 'not ours: "other".'),
        (Observed(provider=None), FAILED, "There is none for our issuer."),
        (beside(f"{WANTED.provider.arn}/"), FAILED, "but one with a trailing slash"),
        (beside(WANTED.provider.arn.replace("a" * 32, "A" * 32)), FAILED, "another letter case"),
    ],
)
def test_the_identity_provider(observed: Observed, status: CheckStatus, found: str) -> None:
    """It is found by the issuer's exact URL; one that is nearly that is named."""
    (one,) = diagnose_provider(WANTED.provider, observed)
    assert told(one)[0] is status
    assert found in one.found
    if status is not OK:
        assert f"`broker accounts sync {ACCOUNT}`" in one.mend


def test_thumbprints_count_where_they_are_ours() -> None:
    """Without them AWS trusts only the authorities that it knows."""
    wanted = replace(WANTED.provider, thumbprints=frozenset({"a" * 40}))
    (one,) = diagnose_provider(wanted, provider("sts.amazonaws.com"))
    assert told(one) == (FAILED, "Its certificate thumbprints are not ours.")
    found_one = ObservedProvider(
        client_ids=frozenset({"sts.amazonaws.com"}), thumbprints=frozenset({"b" * 40})
    )
    (well,) = diagnose_provider(WANTED.provider, Observed(provider=found_one))
    assert told(well)[0] is OK


@pytest.mark.parametrize(
    ("boundary", "status", "found"),
    [
        (READ.boundary, OK, "ReadOnlyAccess caps the role."),
        (None, FAILED, "There is none, where ReadOnlyAccess should be."),
        ("arn:aws:iam::aws:policy/AdministratorAccess", FAILED, "Another policy is the boundary"),
    ],
)
def test_the_boundary(boundary: str | None, status: CheckStatus, found: str) -> None:
    """Promise 3 stands on it."""
    role = ObservedRole(
        boundary=boundary,
        managed_policies=frozenset(),
        inline_policies={},
        trust={},
        longest_session=timedelta(hours=1),
    )
    one = diagnose_boundary(READ, role)
    assert told(one)[0] is status
    assert found in one.found


def test_whatever_else_would_be_done_is_told() -> None:
    """But not what another check has told already."""
    told_already = SetTrustPolicy(role_name=READ.name, trust={}, why="it is not ours")
    missing = AttachPolicy(
        role_name=READ.name,
        policy_arn="arn:aws:iam::aws:policy/SecurityAudit",
        why="the policy is not attached",
    )
    assert told(diagnose_rest(ACCOUNT, [told_already]))[0] is OK
    status, found = told(diagnose_rest(ACCOUNT, [told_already, missing]))
    assert status is FAILED
    assert "AttachPolicy Acme-Support-ReadOnly SecurityAudit (the policy is not attached)" in found
    assert "SetTrustPolicy" not in found
