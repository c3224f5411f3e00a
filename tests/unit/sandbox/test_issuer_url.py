"""Which URLs may name an issuer, and how providers spell them."""

import pytest

from broker.sandbox.issuers.issuer_url import IssuerUrl, is_loopback

NAMES = {
    "https://issuer.example.test": "issuer.example.test",
    "https://issuer.example.test/": "issuer.example.test/",
    "https://issuer.example.test:443/a/B": "issuer.example.test/a/B",
    "https://ISSUER.example.test/%7Ea;b=c": "ISSUER.example.test/%7Ea;b=c",
    "http://127.0.0.1:8080/oidc/x": "127.0.0.1:8080/oidc/x",
    "http://127.9.9.9": "127.9.9.9",
    "http://localhost:80/": "localhost:80/",
}


@pytest.mark.parametrize(("text", "name"), NAMES.items())
def test_name_of_an_issuer(text: str, name: str) -> None:
    """Host and path letter for letter; the default port is dropped, a loopback port kept."""
    assert IssuerUrl.parse(text).name == name


REFUSED = (
    "",
    "issuer.example.test",
    "ftp://issuer.example.test",
    "HTTPS://issuer.example.test",
    "https://",
    "https:///path",
    "https://user@issuer.example.test",
    "https://user:word@issuer.example.test",
    "https://issuer.example.test:8443",
    "https://issuer.example.test:",
    "https://issuer.example.test?x=1",
    "https://issuer.example.test/?x=1",
    "https://issuer.example.test/#x",
    "https://issuer.example.test\n",
    "https://issuer.example.test/a b",
    "https://issuer.example.test/ü",
    "https://[::1]/",
    "http://[::1]:8080/",
    "http://issuer.example.test",
    "http://127.0.0.1.example.test",
    "http://127.1:8080",
    "http://10.0.0.1:8080",
    "http://localhost.example.test",
)


@pytest.mark.parametrize("text", REFUSED)
def test_is_no_issuer(text: str) -> None:
    with pytest.raises(ValueError, match=r"issuer URL|plain http|port"):
        IssuerUrl.parse(text)


def test_loopback_is_meant_literally() -> None:
    """A name that merely resolves to a loopback address is none."""
    assert is_loopback("127.0.0.1")
    assert is_loopback("LocalHost")
    assert not is_loopback("127.0.0.1.example.test")
    assert not is_loopback("192.0.2.1")
