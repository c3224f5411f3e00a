"""Identifiers let in exactly what fits every place that they are written to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.identifiers import (
    AccountId,
    EngineerId,
    GrantId,
    IssuerId,
    ServiceName,
    SessionId,
    TicketId,
)
from broker.domain.sessions import role_session_name

GOOD = [
    (AccountId, "012345678901"),
    (EngineerId, "jane.doe+oncall@vendor.example"),
    (EngineerId, "jd"),
    (TicketId, "T-1042"),
    (TicketId, "7"),
    (IssuerId, "0" * 32),
    (SessionId, "s-" + "0a" * 10),
    (GrantId, "gr-" + "0a" * 10),
    (ServiceName, "ec2"),
    (ServiceName, "resource-explorer-2"),
]
BAD = [
    (AccountId, "12345678901"),
    (AccountId, "1234567890123"),
    (AccountId, "１２３４５６７８９０１２"),  # noqa: RUF001 - full-width digits are the point
    (AccountId, "123456789012\n"),
    (EngineerId, "j"),
    (EngineerId, "a" * 65),
    (EngineerId, "aws:jane"),
    (EngineerId, "jane,doe"),
    (EngineerId, "jane doe"),
    (EngineerId, "@jane"),
    (EngineerId, "jané"),
    (TicketId, ""),
    (TicketId, "a/b"),
    (TicketId, "-1"),
    (TicketId, "T 1"),
    (TicketId, "t" * 65),
    (IssuerId, "A" * 32),
    (SessionId, "s-1"),
    (ServiceName, "s3:*"),
    (ServiceName, "*"),
    (ServiceName, "EC2"),
]


@pytest.mark.parametrize(("kind", "text"), GOOD)
def test_good_ones_parse(kind, text):
    """A good identifier is its own text, with its type."""
    parsed = kind.parse(text)
    assert parsed == text
    assert type(parsed) is kind


@pytest.mark.parametrize(("kind", "text"), BAD)
def test_bad_ones_are_refused_with_the_rule(kind, text):
    """The error says the rule, and nothing of what was sent."""
    with pytest.raises(ValueError, match=re.escape(kind.rule)):
        kind.parse(text)


@pytest.mark.parametrize("name", ["unauthenticated", "UnAuthenticated"])
def test_nobody_is_called_what_the_ledger_calls_nobody(name):
    """Else what somebody did would stand there as if it were not known who."""
    with pytest.raises(ValueError, match="what the ledger calls nobody"):
        EngineerId.parse(name)


engineers = st.from_regex(EngineerId.pattern, fullmatch=True).map(EngineerId)
tickets = st.from_regex(TicketId.pattern, fullmatch=True).map(TicketId)


@given(engineers)
def test_engineers_fit_source_identity_and_session_tags(engineer):
    """AWS takes every engineer as source identity and as a tag's value."""
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", engineer, re.ASCII)
    assert not engineer.startswith("aws:")
    assert re.fullmatch(r"[A-Za-z0-9_.:/=+\-@]{1,256}", engineer)


@given(engineers, tickets)
def test_role_session_names_fit_and_name_all_three(engineer, ticket):
    """Every CloudTrail line shows who, why and which session, within AWS's 64 characters."""
    session = SessionId("s-0123456789abcdef0123")
    name = role_session_name(engineer, ticket, session)
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII)
    who, _, rest = name.rpartition("@" + ticket[:27])
    assert engineer.startswith(who)
    assert len(who) == len(engineer) or len(who) >= 27
    assert rest.endswith("-01234567")


def test_short_names_are_not_cut():
    """Where there is room, nothing is lost."""
    name = role_session_name(
        EngineerId("jane@vendor.example"), TicketId("T-1042"), SessionId("s-0123456789abcdef0123")
    )
    assert name == "jane@vendor.example@T-1042-01234567"
