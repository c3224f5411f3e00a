"""The claims of an identity token, one changed at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.identity.identity_claims import (
    LEEWAY,
    Demands,
    IdentityFault,
    IdentityRefused,
    judge,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
DEMANDS = Demands(
    issuer="https://id.example",
    client_id="broker",
    subject_claim="email",
    groups_claim="groups",
    nonce="n" * 43,
)
GOOD = {
    "iss": "https://id.example",
    "sub": "1234",
    "aud": "broker",
    "iat": SECONDS,
    "exp": SECONDS + 600,
    "nonce": "n" * 43,
    "email": "Jane@Vendor.example",
    "email_verified": True,
    "groups": ["support", "everybody"],
}
ABSENT = object()
LATE = int(LEEWAY.total_seconds())


def changed(**claims: object) -> dict[str, object]:
    """Good claims but for these."""
    return {name: value for name, value in {**GOOD, **claims}.items() if value is not ABSENT}


def fault_of(claims: dict[str, object], demands: Demands = DEMANDS) -> IdentityFault:
    """Why they are not accepted."""
    with pytest.raises(IdentityRefused) as refused:
        judge(claims, demands, NOW)
    return refused.value.fault


def test_good_claims_are_an_identity():
    """The address in lower case: one mailbox is one person."""
    identity = judge(GOOD, DEMANDS, NOW)
    assert identity.subject == "jane@vendor.example"
    assert identity.groups == ("support", "everybody")
    assert identity.expires_at == NOW + timedelta(minutes=10)


F = IdentityFault


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        *(({name: ABSENT}, F.MISSING_CLAIMS) for name in ("iss", "sub", "aud", "exp", "iat")),
        *(({name: None}, F.MISSING_CLAIMS) for name in ("iss", "sub", "aud", "exp", "iat")),
        ({"sub": ""}, F.MISSING_CLAIMS),
        ({"email": ABSENT}, F.MISSING_CLAIMS),
        ({"iss": "https://id.example/"}, F.WRONG_ISSUER),
        ({"iss": "https://ID.example"}, F.WRONG_ISSUER),
        ({"iss": ["https://id.example"]}, F.WRONG_ISSUER),
        ({"aud": "another"}, F.WRONG_AUDIENCE),
        ({"aud": "Broker"}, F.WRONG_AUDIENCE),
        ({"aud": "brokers"}, F.WRONG_AUDIENCE),
        ({"aud": []}, F.WRONG_AUDIENCE),
        ({"aud": {"broker": 1}}, F.WRONG_AUDIENCE),
        ({"aud": ["another"]}, F.WRONG_AUDIENCE),
        ({"aud": ["broker", 7]}, F.WRONG_AUDIENCE),
        ({"aud": ["broker", "another"]}, F.WRONG_PARTY),
        ({"aud": ["broker", "another"], "azp": "another"}, F.WRONG_PARTY),
        ({"azp": "another"}, F.WRONG_PARTY),
        ({"azp": None}, F.WRONG_PARTY),
        ({"azp": ["broker"]}, F.WRONG_PARTY),
        ({"exp": SECONDS - LATE}, F.EXPIRED),
        ({"exp": 0}, F.EXPIRED),
        ({"exp": str(SECONDS + 600)}, F.MALFORMED),
        ({"exp": True}, F.MALFORMED),
        ({"exp": float("inf")}, F.MALFORMED),
        ({"exp": float("nan")}, F.MALFORMED),
        ({"exp": 10**400}, F.MALFORMED),
        ({"exp": -1}, F.MALFORMED),
        ({"iat": SECONDS + LATE + 1}, F.NOT_YET_VALID),
        ({"iat": "now"}, F.MALFORMED),
        ({"nbf": SECONDS + LATE + 1}, F.NOT_YET_VALID),
        ({"nbf": None}, F.MALFORMED),
        ({"nonce": ABSENT}, F.WRONG_NONCE),
        ({"nonce": "m" * 43}, F.WRONG_NONCE),
        ({"nonce": "n" * 42}, F.WRONG_NONCE),
        ({"nonce": ["n" * 43]}, F.WRONG_NONCE),
        ({"nonce": "\ud800"}, F.WRONG_NONCE),
        ({"email_verified": ABSENT}, F.UNVERIFIED_EMAIL),
        ({"email_verified": False}, F.UNVERIFIED_EMAIL),
        ({"email_verified": "true"}, F.UNVERIFIED_EMAIL),
        ({"email_verified": 1}, F.UNVERIFIED_EMAIL),
        ({"email": ["jane@vendor.example"]}, F.BAD_SUBJECT),
        ({"email": ""}, F.BAD_SUBJECT),
        ({"email": "jane@vendor.example\n"}, F.BAD_SUBJECT),
        ({"email": "jäne@vendor.example"}, F.BAD_SUBJECT),
        ({"email": "mar\N{KELVIN SIGN}@vendor.example"}, F.BAD_SUBJECT),
        ({"email": "jane@vendor.example."}, F.BAD_SUBJECT),
        ({"email": "operator:root"}, F.BAD_SUBJECT),
        ({"email": "j" * 65}, F.BAD_SUBJECT),
        ({"groups": "support"}, F.BAD_GROUPS),
        ({"groups": [["support"]]}, F.BAD_GROUPS),
        ({"groups": {"support": True}}, F.BAD_GROUPS),
        ({"groups": None}, F.BAD_GROUPS),
    ],
)
def test_one_changed_claim_is_enough(claims, fault):
    """Each is refused for what is wrong with it."""
    assert fault_of(changed(**claims)) is fault


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["broker"]},
        {"azp": "broker"},
        {"aud": ["broker", "another"], "azp": "broker"},
        {"exp": SECONDS - LATE + 1},
        {"exp": SECONDS + 0.5},
        {"iat": SECONDS + LATE},
        {"nbf": SECONDS + LATE},
        {"groups": ABSENT},
        {"groups": []},
        {"anything": {"else": 1}},
    ],
)
def test_what_may_differ(claims):
    """Within the leeway, and in what the standard leaves open."""
    assert judge(changed(**claims), DEMANDS, NOW).subject == "jane@vendor.example"


def test_another_claim_may_name_the_engineer():
    """Then nothing need be verified about an address, and letter case stays."""
    demands = Demands(
        issuer=DEMANDS.issuer,
        client_id=DEMANDS.client_id,
        subject_claim="login",
        groups_claim="roles",
    )
    claims = changed(login="JDoe", roles=["support"], email_verified=False, nonce=ABSENT)
    identity = judge(claims, demands, NOW)
    assert (identity.subject, identity.groups) == ("JDoe", ("support",))
    assert fault_of(changed(), demands) is F.MISSING_CLAIMS


def test_groups_that_cannot_be_written_down_are_left_out():
    """A lone surrogate is valid in JSON, and in no text."""
    assert judge(changed(groups=["\ud800", "support"]), DEMANDS, NOW).groups == ("support",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "azp", "nbf"]), JSON, max_size=4))
def test_whatever_stands_in_them_is_judged(claims):
    """No value of any claim leads anywhere but to an identity or to a fault; and an identity is
    given only where every claim that was put in says the same as the good one."""
    try:
        identity = judge({**GOOD, **claims}, DEMANDS, NOW)
    except IdentityRefused:
        return
    assert claims.get("iss", GOOD["iss"]) == GOOD["iss"]
    assert claims.get("aud", "broker") in ("broker", ["broker"])
    assert claims.get("nonce", GOOD["nonce"]) == GOOD["nonce"]
    assert claims.get("email_verified", True) is True
    assert identity.subject == str(claims.get("email", GOOD["email"])).lower()
