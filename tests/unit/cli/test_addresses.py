"""Addresses of brokers: one spelling, and nobody reads along."""

from __future__ import annotations

import pytest

from broker.cli.addresses import AddressRefused, broker_url


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://broker.example.com", "https://broker.example.com"),
        ("https://Broker.Example.com/", "https://broker.example.com"),
        ("HTTPS://broker.example.com:443", "https://broker.example.com"),
        ("https://broker.example.com:8443/", "https://broker.example.com:8443"),
        ("https://example.com/broker/", "https://example.com/broker"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
def test_the_one_spelling(typed: str, url: str) -> None:
    """A sign-in is found again however the address is typed."""
    assert broker_url(typed) == url
    assert broker_url(url) == url


@pytest.mark.parametrize(
    "typed",
    [
        "http://broker.example.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://[2001:db8::1]",
        "http://0.0.0.0:8080",
    ],
)
def test_plain_http_to_another_machine(typed: str) -> None:
    """The credential would go there in the clear."""
    with pytest.raises(AddressRefused, match="use https"):
        broker_url(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "broker.example.com",
        "ftp://broker.example.com",
        "https://",
        "https:///path",
        "https://broker.example.com?x=1",
        "https://broker.example.com#x",
        "https://[broken",
        "https://broker.example.com:port",
        "https://broker.example.com:99999",
    ],
)
def test_what_is_no_address(typed: str) -> None:
    """Told as such."""
    with pytest.raises(AddressRefused, match="not the URL of a broker"):
        broker_url(typed)


def test_a_password_is_not_repeated() -> None:
    """It does not belong there, and not into an error."""
    with pytest.raises(AddressRefused) as caught:
        broker_url("https://jane:hunter2@broker.example.com")
    assert "hunter2" not in str(caught.value)
