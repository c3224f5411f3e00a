"""What browsers keep, where they are sent back to, and when their sessions end."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.identifiers import EngineerId
from broker.domain.identity.browser_sessions import (
    ATTEMPT_LASTS,
    BrowserSecret,
    BrowserSession,
    LocalPath,
    Purpose,
    SessionEnd,
    SessionLimits,
    SignInAttempt,
)

SECRET = BrowserSecret("0123456789abcdef" * 4)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LIMITS = SessionLimits(idle=timedelta(minutes=30), absolute=timedelta(hours=10))


def test_derived_values_are_pinned():
    """Sessions outlive a deployment: another derivation would end all of them. The value is what
    `printf nonce | openssl dgst -sha256 -mac HMAC -macopt hexkey:<secret>` gives."""
    assert SECRET.derived(Purpose.NONCE) == "uz1dQ0OvKAJeLHjUuLZKRwHjIb6LR0-gQLBvFNq9esM"


def test_no_two_purposes_share_a_value():
    """The state stands in addresses; it must not be the code verifier, nor lead to it."""
    values = {purpose: SECRET.derived(purpose) for purpose in Purpose}
    assert len({*values.values(), SECRET.text, SECRET.digest}) == len(Purpose) + 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", value) for value in values.values())


def test_only_a_hash_is_kept():
    """What the store holds does not lead back to the cookie."""
    assert hashlib.sha256(bytes.fromhex(SECRET.text)).hexdigest() == SECRET.digest
    assert SECRET.text not in repr(SECRET)


@pytest.mark.parametrize(
    "text", [None, "", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n"]
)
def test_what_is_no_secret_of_ours(text):
    """Nothing is looked up for it."""
    assert BrowserSecret.read(text) is None


def test_matching():
    """The value for the purpose, and nothing else."""
    assert SECRET.matches(Purpose.CSRF, SECRET.derived(Purpose.CSRF))
    for other in ("", SECRET.derived(Purpose.STATE), SECRET.text, "\ud800", "é"):
        assert not SECRET.matches(Purpose.CSRF, other)


@pytest.mark.parametrize(
    "path", ["/", "/accounts", "/accounts/111122223333?tab=ledger&x=%20", "/a//b", "/~me/@x:y"]
)
def test_paths_of_ours(path):
    """Whatever our pages link to."""
    assert LocalPath.parse(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "accounts",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\nSet-Cookie: a=b",
        "/\x00",
        " /",
        "/ ",
        "https://evil.example",
        "https:/evil.example",
        "javascript:alert(1)",
        "/#//evil.example",
        "/é",
        "/" + "a" * 512,
        "/<script>",
    ],
)
def test_no_path_leads_elsewhere(path):
    """What a browser might take for a host, a header, or another scheme."""
    with pytest.raises(ValueError, match="path of this site"):
        LocalPath.parse(path)


@given(st.text(alphabet="/\\.:@?%#\t\n abe", max_size=12).map(lambda tail: f"/{tail}"))
def test_what_is_taken_stays_on_the_site(path):
    """Resolved against any page of ours, as browsers do after turning backslashes to slashes."""
    try:
        taken = LocalPath.parse(path)
    except ValueError:
        return
    seen = re.sub(r"[\t\n\r]", "", taken).replace("\\", "/")
    resolved = urlsplit(urljoin("https://broker.example/sign-in/callback?code=1", seen))
    assert (resolved.scheme, resolved.netloc) == ("https", "broker.example")


def test_an_attempt_lasts_ten_minutes():
    """To the second."""
    attempt = SignInAttempt(digest=SECRET.digest, return_to="/", begun_at=NOW)
    assert attempt.good_at(NOW + ATTEMPT_LASTS - timedelta(seconds=1))
    assert not attempt.good_at(NOW + ATTEMPT_LASTS)


def session(**members: object) -> BrowserSession:
    """One that began now."""
    given = {"signed_in_at": NOW, "last_seen_at": NOW, **members}
    return BrowserSession(
        digest=SECRET.digest, subject=EngineerId("jane"), groups=("support",), **given
    )


@pytest.mark.parametrize(
    ("members", "after", "end"),
    [
        ({}, timedelta(minutes=30) - timedelta(seconds=1), None),
        ({}, timedelta(minutes=30), SessionEnd.EXPIRED),
        ({"last_seen_at": NOW + timedelta(hours=9, minutes=50)}, timedelta(hours=10), "expired"),
        ({"signed_out": True}, timedelta(), SessionEnd.SIGNED_OUT),
        ({"signed_out": True}, timedelta(hours=11), SessionEnd.SIGNED_OUT),
    ],
)
def test_the_ends_of_a_session(members, after, end):
    """Without a request, in any case, or because somebody wanted it so."""
    expected = SessionEnd.EXPIRED if end == "expired" else end
    assert session(**members).end(LIMITS, NOW + after) is expected
