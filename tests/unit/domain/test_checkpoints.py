"""Checkpoints: what vouches for a ledger, and what only looks as if it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import jwt
import pytest

from broker.domain.ledger.canonical_json import encode
from broker.domain.ledger.checkpoint_signatures import BadCheckpoint, peek_seq, verify_checkpoint
from broker.domain.ledger.checkpoints import TYP
from broker.domain.ledger.entries import Head, LedgerAction, Outcome
from broker.domain.ledger.lines import checkpoint_line, keys_line
from broker.domain.ledger.public_keys import BadKeys, read_jwks
from broker.domain.ledger.verification import BrokenLine
from keys.jose import b64url_encode
from keys.types import Algorithm
from tests.unit.domain.exported_ledgers import (
    GIVEN,
    KEY,
    NEXT_KEY,
    STRANGERS_KEY,
    Ledger,
    ThrowawayKey,
    a_ledger,
    an_event,
    signed,
    verify,
)
from tests.unit.domain.making import ISSUER, NOW, OTHER_ACCOUNT

FIRST_SIGNED, KEYS_LINE, FIRST_CHECKPOINT = 5, 11, 12
"""The entry of the first checkpoint of `a_ledger`, and where lines of it stand."""

HEAD = Head(5, "a" * 64)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_good_checkpoint_says_what_was_signed(algorithm):
    """With a key of either kind."""
    key = ThrowawayKey(algorithm)
    head = verify_checkpoint(signed(HEAD, key, now=NOW), {key.kid: key.jwk})
    assert (head.chain, head.seq, head.hash) == ("111122223333", 5, "a" * 64)
    assert (head.issuer, head.signed_at, head.kid) == (ISSUER, NOW, key.kid)
    assert peek_seq(signed(HEAD, key)) == 5


def test_a_checkpoint_is_smaller_than_what_kms_signs():
    """Whatever is in it is of bounded length, and together far below 4,096 bytes."""
    largest = signed(Head(2**53 - 1, "f" * 64), KEY, iss="https://" + "x" * 247, now=NOW)
    assert len(largest.rpartition(".")[0]) < 1024


def test_a_relying_party_of_identity_tokens_refuses_a_checkpoint():
    """PyJWT, set up as whoever gives out access for identity tokens would."""
    jws = signed(HEAD, KEY)
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(
            jws,
            key=jwt.PyJWK(KEY.jwk.as_dict()),
            algorithms=["ES256"],
            audience="sts.amazonaws.com",
        )
    with pytest.raises(jwt.MissingRequiredClaimError):
        jwt.decode(
            jws,
            key=jwt.PyJWK(KEY.jwk.as_dict()),
            algorithms=["ES256"],
            audience="urn:support-access-broker:ledger",
            options={"require": ["exp", "sub"]},
        )
    assert jwt.get_unverified_header(jws)["typ"] != "JWT"


def _segments(jws: str) -> list[str]:
    return jws.split(".")


def _with_loose_bits(jws: str) -> str:
    """Another text of the same signature, for a lenient reader of base64url."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return jws[:-1] + alphabet[alphabet.index(jws[-1]) ^ 1]


JWS = signed(HEAD, KEY)
GOOD_HEADER = {"alg": "ES256", "kid": KEY.kid, "typ": TYP}


def _under(header: Mapping[str, object]) -> str:
    """The claims of JWS, properly signed under another header."""
    text = f"{b64url_encode(encode(header))}.{_segments(JWS)[1]}"
    return f"{text}.{b64url_encode(KEY.sign(text.encode()))}"


NOT_CHECKPOINTS = {
    "no JWS": ("nothing", "compact form"),
    "two parts": (JWS.rpartition(".")[0], "compact form"),
    "five parts": (f"{JWS}.a.b", "compact form"),
    "not ASCII": (JWS.replace(JWS[5], "é", 1), "compact form"),
    "padded": (f"{JWS}==", "compact form"),
    "with loose bits": (_with_loose_bits(JWS), "compact form"),
    "without a signature": (f"{JWS.rpartition('.')[0]}.", "its signature"),
    "with another's signature": (
        ".".join([*_segments(JWS)[:2], _segments(signed(HEAD, NEXT_KEY))[2]]),
        "its signature",
    ),
    "of no algorithm": (_under({**GOOD_HEADER, "alg": "none"}), "another algorithm"),
    "of another algorithm": (_under({**GOOD_HEADER, "alg": "RS256"}), "another algorithm"),
    "with a key of its own": (_under({**GOOD_HEADER, "jwk": {}}), "its header"),
    "with a critical header": (_under({**GOOD_HEADER, "crit": ["x"]}), "its header"),
    "with a number as kid": (_under({**GOOD_HEADER, "kid": 1}), "its header"),
    "of another type": (_under({**GOOD_HEADER, "typ": "JWT"}), "its type"),
    "of an unknown key": (_under({**GOOD_HEADER, "kid": "x"}), "no public key"),
    "endless": ("a" * 10_000, "longer"),
}


def test_the_header_that_is_spoilt_below_is_good_otherwise():
    """So each of them is refused for what it was spoilt with."""
    assert verify_checkpoint(_under(GOOD_HEADER), GIVEN).seq == HEAD.seq


@pytest.mark.parametrize(("jws", "why"), NOT_CHECKPOINTS.values(), ids=NOT_CHECKPOINTS.keys())
def test_what_is_no_checkpoint_is_refused(jws, why):
    """Each by a BadCheckpoint that says why."""
    with pytest.raises(BadCheckpoint, match=why):
        verify_checkpoint(jws, GIVEN)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"keys": {}},
        {"keys": [None]},
        {"keys": [{}]},
        {"keys": [{"kty": "oct", "k": "AAAA", "alg": "HS256", "kid": "x", "use": "sig"}]},
        {"keys": [{**KEY.jwk.as_dict(), "kid": "x"}]},
        {"keys": [{**KEY.jwk.as_dict(), "use": "enc"}]},
        {"keys": [{**KEY.jwk.as_dict(), "alg": "RS256"}]},
        {"keys": [{**KEY.jwk.as_dict(), "x": KEY.jwk.as_dict()["y"]}]},
        {"keys": [{**KEY.jwk.as_dict(), "d": "AAAA"}]},
    ],
)
def test_what_is_no_jwks_is_refused(document):
    """Only public keys that a broker could have published."""
    with pytest.raises(BadKeys, match=r"^(it|a key in it) "):
        read_jwks(document)


def test_a_private_key_is_not_even_read(monkeypatch):
    """Else one line of an export keeps its reader busy for hours: no search for primes begins."""
    searched = []
    monkeypatch.setattr(
        "jwt.algorithms.rsa_recover_prime_factors", lambda *numbers: searched.append(numbers)
    )
    made_up = {"alg": "RS256", "d": "AAEC", "e": "AQAB", "kid": "x", "kty": "RSA", "n": "AAEC"}
    with pytest.raises(BadKeys, match="private"):
        read_jwks({"keys": [made_up]})
    assert searched == []


def test_an_endless_jwks_is_not_read():
    """Not one key of it."""
    with pytest.raises(BadKeys, match="too many"):
        read_jwks({"keys": [KEY.jwk.as_dict()] * 10_001})


CHECKPOINTS = {
    "of another chain": (
        signed(Head(5, "0" * 64), KEY, chain=OTHER_ACCOUNT),
        "another chain",
    ),
    "in another's name": (None, {"iss": f"{ISSUER[:-1]}b"}, "not of this account"),
    "an identity token": (None, {"aud": "sts.amazonaws.com"}, "audience is another"),
    "several audiences": (None, {"aud": ["urn:support-access-broker:ledger"]}, "audience"),
    "a claim more": (None, {"exp": 9999999999}, "claims more"),
    "a seq of another kind": (None, {"seq": "5"}, "wrong kind"),
    "no time": (None, {"iat": 0}, "wrong kind"),
    "a hash that is none": (None, {"hash": "x"}, "out of range"),
}


@pytest.mark.parametrize("case", CHECKPOINTS.values(), ids=CHECKPOINTS.keys())
def test_a_checkpoint_that_says_something_else_is_refused(case):
    """Signed with the right key, and nevertheless not a checkpoint of this account's ledger."""
    ledger = a_ledger()
    jws = case[0] or signed(ledger.heads[FIRST_SIGNED - 1], KEY, **case[1])
    lines = ledger.lines()
    lines[FIRST_CHECKPOINT - 1] = checkpoint_line(jws)
    with pytest.raises(BrokenLine, match=f"line {FIRST_CHECKPOINT}: .*{case[-1]}"):
        verify(lines)


def test_another_type_is_no_checkpoint():
    """What the same key has signed as an identity token does not pass, whatever it claims."""
    ledger = a_ledger()
    lines = ledger.lines()
    lines[FIRST_CHECKPOINT - 1] = checkpoint_line(
        signed(ledger.heads[FIRST_SIGNED - 1], KEY, typ="JWT")
    )
    with pytest.raises(BrokenLine, match="its type is 'JWT'"):
        verify(lines)


def test_a_strangers_key_vouches_for_nothing():
    """Not if nobody knows it, nor if the file brings it, since the chain has never named it."""
    ledger = a_ledger()
    head = ledger.heads[FIRST_SIGNED - 1]
    lines = ledger.lines()
    lines[FIRST_CHECKPOINT - 1] = checkpoint_line(signed(head, STRANGERS_KEY))
    with pytest.raises(BrokenLine, match="line 12: no public key is known"):
        verify(lines)
    lines[KEYS_LINE - 1] = keys_line([STRANGERS_KEY.jwk, NEXT_KEY.jwk])
    with pytest.raises(BrokenLine, match=r"line 12: .* a key that this account had not been given"):
        verify(lines)
    with pytest.raises(BrokenLine, match=r"line 12: .* a key that this account had not been given"):
        verify(lines, given={STRANGERS_KEY.kid: STRANGERS_KEY.jwk, **GIVEN})


def test_a_key_signs_only_after_the_chain_has_named_it():
    """A key that was staged later cannot have signed what came before."""
    ledger = Ledger()
    ledger.write(an_event(LedgerAction.ACCOUNT_REGISTERED, details={"issuer": ISSUER}))
    ledger.sign(KEY)
    ledger.write(an_event(LedgerAction.KEY_STAGED, ids={"kid": KEY.kid}))
    with pytest.raises(BrokenLine, match="a key that this account had not been given"):
        verify(ledger.lines())


def test_an_account_that_came_again_has_another_issuer():
    """Checkpoints are held against the issuer of their time."""
    ledger = a_ledger()
    later = f"{ISSUER[:-1]}c"
    ledger.write(an_event(LedgerAction.ACCOUNT_REGISTERED, details={"issuer": later}))
    ledger.checkpoints.append((ledger.head.seq, signed(ledger.head, KEY, iss=later)))
    assert len(verify(ledger.lines()).checkpoints) == 3
    ledger.checkpoints[-1] = (ledger.head.seq, signed(ledger.head, KEY))
    with pytest.raises(BrokenLine, match="not of this account"):
        verify(ledger.lines())


def test_a_registration_that_was_refused_names_no_issuer():
    """Only what was done counts."""
    ledger = Ledger()
    event = an_event(LedgerAction.ACCOUNT_REGISTERED, details={"issuer": ISSUER})
    ledger.write(replace(event, outcome=Outcome.REFUSED))
    ledger.write(an_event(LedgerAction.KEY_STAGED, ids={"kid": KEY.kid}))
    ledger.sign(KEY)
    with pytest.raises(BrokenLine, match="not of this account"):
        verify(ledger.lines())
