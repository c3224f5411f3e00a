"""Where people are sent to sign in to the AWS console."""

from __future__ import annotations

import pytest

from broker.errors import ConfigurationError
from broker.settings import load

NEEDED = {
    "BROKER_ISSUER_URL": "https://broker.example.com",
    "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
}


@pytest.mark.parametrize(
    "url",
    [
        *("https://signin.example.com", "https://signin.example.com:8443"),
        *("http://127.0.0.1:5000", "http://localhost:5000", None),
    ],
)
def test_a_host_that_nobody_reads_along_with(url):
    """https, or plain http that stays on this machine; by default the partition's own."""
    given = {} if url is None else {"BROKER_SIGNIN_ENDPOINT_URL": url}
    assert load({**NEEDED, **given}).signin_endpoint_url == url


@pytest.mark.parametrize(
    "url",
    [
        *("http://signin.example.com", "http://10.0.0.1", "ftp://127.0.0.1", "signin.example.com"),
        *("https://signin.example.com/", "https://signin.example.com/federation", ""),
        *("https://signin.example.com?x", "https://user@signin.example.com", "https://"),
        *("https://signin.example.com:x", "https://signin.example.com:0"),
        *("https://signin.example.com:99999", "javascript:alert(1)"),
    ],
)
def test_anything_else_stops_the_start(url):
    """Credentials go there, so it is refused before anything runs, without its value."""
    with pytest.raises(ConfigurationError) as refused:
        load({**NEEDED, "BROKER_SIGNIN_ENDPOINT_URL": url})
    (problem,) = refused.value.problems
    assert problem.startswith("BROKER_SIGNIN_ENDPOINT_URL: ")
    assert "example.com" not in problem
