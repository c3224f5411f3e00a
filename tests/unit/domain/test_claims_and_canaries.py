"""What a token says, and how each canary spoils it."""

from __future__ import annotations

from datetime import timedelta

from broker.domain.canaries import negative_canaries
from broker.domain.claims import TokenSubject, identity_claims
from broker.domain.identifiers import SessionId
from keys.jose import MAX_SIGNING_INPUT
from tests.unit.domain.making import ISSUER, JANE, NOW, TICKET

ROLE = "arn:aws:iam::111122223333:role/Acme-Support-ReadOnly"
SESSION = SessionId("s-0123456789abcdef0123")
SUBJECT = TokenSubject(
    issuer=ISSUER,
    subject="support:111122223333",
    role_arn=ROLE,
    engineer=JANE,
    ticket_id=TICKET,
    session_id=SESSION,
    jti="j" * 32,
)


def test_claims_are_exactly_what_aws_is_to_know():
    """Every claim written out; no `azp`, no e-mail in `sub`; whole seconds; five minutes."""
    now = NOW + timedelta(microseconds=999_999)
    assert identity_claims(SUBJECT, now=now) == {
        "iss": ISSUER,
        "sub": "support:111122223333",
        "aud": "sts.amazonaws.com",
        "iat": int(NOW.timestamp()) - 60,
        "nbf": int(NOW.timestamp()) - 60,
        "exp": int(NOW.timestamp()) + 300,
        "jti": "j" * 32,
        "https://aws.amazon.com/source_identity": "jane@vendor.example",
        "https://aws.amazon.com/tags": {
            "principal_tags": {
                "Ticket": ["T-1042"],
                "Session": [SESSION],
                "Engineer": ["jane@vendor.example"],
            },
            "transitive_tag_keys": ["Ticket", "Session", "Engineer"],
        },
        "https://aws.amazon.com/roles": [ROLE],
    }


def test_the_longest_claims_stay_far_below_what_kms_signs():
    """Base64 of claims with every part at its longest leaves room in KMS's 4,096 bytes."""
    longest = TokenSubject(
        issuer="https://" + "h" * 247,
        subject=SUBJECT.subject,
        role_arn="arn:aws-us-gov:iam::111122223333:role/" + "r" * 64,
        engineer=JANE.__class__("e" * 64),
        ticket_id=TICKET.__class__("t" * 64),
        session_id=SESSION,
        jti="j" * 32,
    )
    text = str(identity_claims(longest, now=NOW))
    assert len(text) * 4 / 3 < MAX_SIGNING_INPUT * 0.75


def test_each_canary_spoils_one_thing():
    """A negative canary proves its point only if the rest of the token is good."""
    good = identity_claims(SUBJECT, now=NOW)
    other = ROLE.replace("ReadOnly", "Cases")
    spoilt = {c.name: c.spoil(good) for c in negative_canaries(other_role_arn=other, pinned=True)}
    assert len(spoilt) == 7
    for name, claims in spoilt.items():
        different = {key for key in good if claims.get(key) != good[key]}
        assert len(different) == 1, name
        assert set(claims) <= set(good)
    tags = spoilt["without the ticket tag"]["https://aws.amazon.com/tags"]
    assert set(tags["principal_tags"]) == {"Session", "Engineer"}
    assert tags["transitive_tag_keys"] == ["Session", "Engineer"]


def test_pinning_is_not_tested_where_it_is_not_demanded():
    """Outside the pinned partitions AWS would accept such tokens."""
    names = {c.name for c in negative_canaries(other_role_arn=ROLE, pinned=False)}
    assert not any("pinned" in name for name in names)
