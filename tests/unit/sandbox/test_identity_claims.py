"""Claims at the edges: the exact second, the exact type, the exact length."""

from datetime import UTC, datetime
from typing import Any

import pytest

from broker.sandbox.web_identity.claims import BAD_TIME, check
from broker.sandbox.web_identity.refusals import NOT_VALIDATED, StsCode, StsRefusal

CLOCK = 1789123721
NOW = datetime.fromtimestamp(CLOCK, UTC)
TAGS = "https://aws.amazon.com/tags"
SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"

PLAIN = {
    "iss": "https://issuer.example.test",
    "sub": "subject",
    "aud": "client-a",
    "iat": CLOCK,
    "exp": CLOCK + 300,
}


def refusal_of(**claims: Any) -> StsRefusal:
    with pytest.raises(StsRefusal) as refusal:
        check(PLAIN | claims, now=NOW)
    return refusal.value


ACCEPTED_TIMES = {
    "expires in a second, seen 300 s late": {"exp": CLOCK - 299},
    "issued exactly 300 s ahead": {"iat": CLOCK + 300},
    "not before exactly 300 s ahead": {"nbf": CLOCK + 300},
    "very old and valid for ever": {"iat": 0, "exp": 2**63 - 1},
    "issued before 1970": {"iat": -1},
    "digits": {"iat": str(CLOCK), "exp": str(CLOCK + 1), "nbf": "0"},
}


@pytest.mark.parametrize("claims", ACCEPTED_TIMES.values(), ids=ACCEPTED_TIMES)
def test_time_is_accepted(claims: dict[str, Any]) -> None:
    """The tolerance is 300 s each way, to the second."""
    assert check(PLAIN | claims, now=NOW).subject == "subject"


def test_expiry_is_strict() -> None:
    """A token ends when the clock less 300 s reaches `exp`; the text is the recorded one."""
    refusal = refusal_of(exp=CLOCK - 300)
    assert refusal.code is StsCode.EXPIRED_TOKEN
    assert refusal.text == (
        "Token expired: current date/time 1789123421 must be before "
        "the expiration date/time 1789123421"
    )


def test_recorded_expiry_text() -> None:
    """Word for word and number for number as on AWS."""
    assert refusal_of(exp=1789123397).text == (
        "Token expired: current date/time 1789123421 must be before "
        "the expiration date/time 1789123397"
    )


def test_issued_301_s_ahead() -> None:
    assert refusal_of(iat=CLOCK + 301).text == f"Token issued in the future: {CLOCK + 301}"


def test_future_is_told_before_expiry() -> None:
    """Recorded: a token that is both is answered as issued in the future."""
    assert "in the future" in refusal_of(iat=CLOCK + 3573, exp=CLOCK - 3600).text


def test_recorded_not_before_text() -> None:
    """Word for word and number for number as on AWS."""
    with pytest.raises(StsRefusal) as refusal:
        check(
            PLAIN | {"nbf": 1789127299, "exp": CLOCK + 9000},
            now=datetime.fromtimestamp(1789123726, UTC),
        )
    assert refusal.value.text == (
        "Token not yet valid: current date/time 1789124026 must be after or equal to "
        "the not-before date/time 1789127299"
    )


NO_TIMES = (
    None,
    True,
    1.5,
    1789123721.0,
    "",
    "1.5",
    "1e9",
    "-1",
    "+1",
    " 1",
    "\u0661",
    "9" * 20,
    2**63,
    [1],
)


@pytest.mark.parametrize("claim", ["iat", "exp", "nbf"])
@pytest.mark.parametrize("value", NO_TIMES, ids=repr)
def test_is_no_time(claim: str, value: Any) -> None:
    """Whole seconds in 64 bits, as a number or as digits, and nothing else."""
    assert refusal_of(**{claim: value}).text == BAD_TIME


WRONG_TYPES = {
    "sub bool": {"sub": True},
    "sub fraction": {"sub": 1.5},
    "sub object": {"sub": {}},
    "sub array": {"sub": ["subject"]},
    "sub with a line feed": {"sub": "a\nb"},
    "sub with NUL": {"sub": "a\x00"},
    "aud null": {"aud": None},
    "aud number": {"aud": 1},
    "aud object": {"aud": {}},
    "aud mixed": {"aud": ["client-a", 1]},
    "azp null": {"azp": None},
    "azp number": {"azp": 1},
    "azp list": {"azp": ["client-a"]},
}


@pytest.mark.parametrize("claims", WRONG_TYPES.values(), ids=WRONG_TYPES)
def test_wrong_type_is_refused(claims: dict[str, Any]) -> None:
    """Not recorded, so refused with the general text."""
    assert refusal_of(**claims).text == NOT_VALIDATED


def test_missing_claims_are_told_in_order() -> None:
    """Of several, the first of iss, sub, aud, iat, exp is named."""
    with pytest.raises(StsRefusal) as refusal:
        check({"iss": "x", "exp": 1}, now=NOW)
    assert refusal.value.text == "Missing a required claim: sub"


def nested(**tags: Any) -> dict[str, Any]:
    return {TAGS: {"principal_tags": tags}}


BAD_SESSION_CLAIMS = {
    "tags a list": {TAGS: []},
    "tags null": {TAGS: None},
    "principal_tags a list": {TAGS: {"principal_tags": []}},
    "value an empty list": nested(Team=[]),
    "value a list of two": nested(Team=["a", "b"]),
    "value a list of a number": nested(Team=[1]),
    "value of 257": nested(Team=["a" * 257]),
    "value with a comma": nested(Team=["a,b"]),
    "key of 129": nested(**{"k" * 129: ["a"]}),
    "empty key": nested(**{"": ["a"]}),
    "reserved key": nested(**{"AWS:Team": ["a"]}),
    "key with an asterisk": nested(**{"Te*m": ["a"]}),
    "keys that differ in case only": nested(Team=["a"], team=["b"]),
    "51 tags": nested(**{f"k{number}": ["a"] for number in range(51)}),
    "same key in both forms": {**nested(Team=["a"]), f"{TAGS}/principal_tags/team": "b"},
    "flat value a list": {f"{TAGS}/principal_tags/Team": ["a"]},
    "transitive keys a string": {TAGS: {"transitive_tag_keys": "Team"}},
    "transitive key without a tag": {TAGS: {"transitive_tag_keys": ["Team"]}},
    "transitive key twice": {
        TAGS: {"principal_tags": {"Team": ["a"]}, "transitive_tag_keys": ["Team", "team"]}
    },
    "transitive keys in both forms": {
        TAGS: {"principal_tags": {"Team": ["a"]}, "transitive_tag_keys": ["Team"]},
        f"{TAGS}/transitive_tag_keys": ["Team"],
    },
    "source identity null": {SOURCE_IDENTITY: None},
    "source identity a number": {SOURCE_IDENTITY: 12},
    "source identity of 1": {SOURCE_IDENTITY: "a"},
    "source identity of 65": {SOURCE_IDENTITY: "a" * 65},
    "source identity with a space": {SOURCE_IDENTITY: "two words"},
    "source identity with a line feed": {SOURCE_IDENTITY: "word\n"},
    "source identity reserved": {SOURCE_IDENTITY: "Aws:somebody"},
}


@pytest.mark.parametrize("claims", BAD_SESSION_CLAIMS.values(), ids=BAD_SESSION_CLAIMS)
def test_session_claims_are_refused(claims: dict[str, Any]) -> None:
    """Every limit of session tags and source identity."""
    assert refusal_of(**claims).code is StsCode.INVALID_IDENTITY_TOKEN


def test_session_tags_at_their_limits() -> None:
    """50 tags, a key of 128, a value of 256, letters of any script, and an empty value."""
    tags = {f"k{number}": ["a"] for number in range(47)}
    tags |= {"k" * 128: ["v" * 256], "Équipe": ["Ürün 部 _.:/=+-@"], "Empty": [""]}
    read = check(PLAIN | {TAGS: {"principal_tags": tags}}, now=NOW).tags
    assert read.values == {key: value for key, [value] in tags.items()}


def test_both_forms_add_up() -> None:
    claims = {
        **nested(Team=["engineering"]),
        f"{TAGS}/principal_tags/Ticket": "T-1",
        f"{TAGS}/transitive_tag_keys": ["ticket"],
    }
    read = check(PLAIN | claims, now=NOW).tags
    assert dict(read.values) == {"Team": "engineering", "Ticket": "T-1"}
    assert read.transitive_keys == ("ticket",)
