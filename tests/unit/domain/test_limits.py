"""Limits as operators write them, waits as callers are told them, addresses as they are counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from broker.domain.limits import Counted, Full, Limit, Window, network_of
from broker.errors import ConfigurationError
from broker.services import limiting
from broker.services.limiting import rate_limited
from broker.settings import load

SETTINGS = {
    "BROKER_ISSUER_URL": "https://broker.example.com",
    "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
}


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("30/3600", Limit(30, timedelta(hours=1))),
        ("1/1", Limit(1, timedelta(seconds=1))),
        ("9999999/86400", Limit(9_999_999, timedelta(days=1))),
    ],
)
def test_a_limit_is_read_and_written_the_same(text, limit):
    assert Limit.parse(text) == limit
    assert str(limit) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "30", "30/", "/3600", "30/3600/1", "30 / 3600", " 30/3600", "30/3600\n", "thirty/1"),
        *("0/3600", "30/0", "-1/60", "+1/60", "1.5/60", "030/60", "30/060", "٣/60", "1/86401"),
        *("10000000/60", "1e3/60", "1/1h"),
    ],
)
def test_anything_else_is_refused(text):
    """With the rule, and an example of it."""
    with pytest.raises(ValueError, match="30/3600"):
        Limit.parse(text)


def test_a_setting_that_is_no_limit_is_told_with_the_others():
    """By its name, and without its value."""
    broken = {
        "BROKER_LIMIT_SESSIONS_OVERALL": "hunter2",
        "BROKER_LIMIT_REQUESTS_PER_CALLER": "0/60",
    }
    with pytest.raises(ConfigurationError) as refused:
        load({**SETTINGS, **broken})
    assert {problem.split(":")[0] for problem in refused.value.problems} == broken.keys()
    assert "hunter2" not in str(refused.value)


def test_a_setting_becomes_a_limit():
    settings = load({**SETTINGS, "BROKER_LIMIT_SESSIONS_PER_ENGINEER": "7/60"})
    assert settings.limit_sessions_per_engineer == Limit(7, timedelta(minutes=1))


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        (timedelta(microseconds=1), 1),
        (timedelta(seconds=1), 1),
        (timedelta(seconds=1, microseconds=1), 2),
        (timedelta(minutes=59, seconds=59, microseconds=999_999), 3600),
    ],
)
def test_a_wait_is_told_in_whole_seconds_that_are_enough(wait, seconds):
    """RFC 9110, section 10.2.3: rounded up, or the caller would come a moment too early."""
    window = Window(Counted.SESSIONS_OVERALL, "all", Limit.parse("30/3600"))
    full = Full(window=window, wait=wait, first=True)
    assert full.retry_after == seconds
    error = rate_limited(full)
    assert error.extra == {"retry_after": seconds, "limit": "sessions_overall"}
    assert error.public_message == (
        f"Too many sessions in all: at most 30 in 3600 seconds. Try again in {seconds} s."
    )


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("192.0.2.1:49152", "192.0.2.1"),
        ("[2001:db8:1:2::9]:49152", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("[::ffff:192.0.2.1]:1", "192.0.2.1"),
        ("192.0.2.1:port", "192.0.2.1:port"),
        ("999.0.2.1:1", "999.0.2.1:1"),
        ("[]:1", "[]:1"),
        ("unknown", "unknown"),
        ("192.0.2.1, 192.0.2.2", "192.0.2.1, 192.0.2.2"),
        ("", ""),
    ],
)
def test_addresses_are_counted_by_who_commands_them(address, network):
    assert network_of(address) == network


def test_everything_counted_has_its_words():
    """No refusal says less than which limit it was."""
    assert limiting._IN_WORDS.keys() == set(Counted)
