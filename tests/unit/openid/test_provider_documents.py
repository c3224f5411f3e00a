"""When the provider's documents are fetched, how long they are believed, and which are refused."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from broker.errors import DependencyUnavailable
from broker.openid import provider as provider_module
from broker.openid.provider import FLOOR, FRESH_FOR, KEPT_FOR, OpenIdProvider
from broker.openid.site import unavailable

ISSUER = "https://id.example/tenant"
SECOND = timedelta(seconds=1)


def discovery(**members: object) -> dict[str, Any]:
    """The provider's discovery document, with these members in it."""
    return {
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example/auth",
        "token_endpoint": "https://id.example/token",
        "jwks_uri": "https://id.example/jwks",
        **members,
    }


class Site:
    """A provider's site that tells what was asked of it, and can be down."""

    def __init__(self, **members: object) -> None:
        self.documents = {
            f"{ISSUER}/.well-known/openid-configuration": discovery(**members),
            "https://id.example/jwks": {"keys": []},
        }
        self.fetched: list[str] = []
        self.down = False
        self.publish("one")

    def publish(self, *kids: str) -> None:
        """Let the JWKS hold keys with these ids."""
        self.documents["https://id.example/jwks"] = {
            "keys": [{**_PUBLIC, "kid": kid} for kid in kids]
        }

    def document(self, url: str) -> dict[str, Any]:
        """See ProviderSite."""
        self.fetched.append(url)
        if self.down:
            raise unavailable("down")
        return self.documents[url]

    @property
    def times(self) -> int:
        """How often the JWKS was fetched, or would have been."""
        return sum("openid-configuration" in url for url in self.fetched)


_PUBLIC = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))
_PUBLIC.pop("key_ops", None)


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The test's own."""
    return Clock()


def provider(site: Site, clock: Clock) -> OpenIdProvider:
    """The provider at that site."""
    return OpenIdProvider(ISSUER, site, clock=clock)  # type: ignore[arg-type]


def test_nothing_is_fetched_before_it_is_needed(clock):
    """The broker starts without the provider; then once is enough."""
    site = Site()
    asked = provider(site, clock)
    assert site.fetched == []
    assert asked.key("one") is not None
    assert asked.metadata().token_endpoint == "https://id.example/token"
    assert site.fetched == [
        f"{ISSUER}/.well-known/openid-configuration",
        "https://id.example/jwks",
    ]


def test_an_unknown_key_is_looked_for_once_it_is_time(clock):
    """A rotation is seen at once, and strangers cannot make us fetch again and again."""
    site = Site()
    asked = provider(site, clock)
    assert asked.key("one") is not None
    site.publish("one", "two")
    clock.now += FLOOR - SECOND
    assert asked.key("two") is None
    assert site.times == 1
    clock.now += SECOND
    assert asked.key("two") is not None
    assert site.times == 2
    for number in range(100):
        assert asked.key(f"made-up-{number}") is None
    assert site.times == 2


def test_a_withdrawn_key_is_forgotten(clock):
    """When the documents are no longer fresh, whether anybody asks for an unknown key or not."""
    site = Site()
    asked = provider(site, clock)
    assert asked.key("one") is not None
    site.publish("two")
    clock.now += FRESH_FOR - SECOND
    assert asked.key("one") is not None
    clock.now += SECOND
    assert asked.key("one") is None


def test_known_keys_outlive_an_outage_for_a_while(clock):
    """Up to an hour after they were read; then nobody is believed."""
    site = Site()
    asked = provider(site, clock)
    assert asked.key("one") is not None
    site.down = True
    clock.now += KEPT_FOR - SECOND
    assert asked.key("one") is not None
    clock.now += SECOND
    with pytest.raises(DependencyUnavailable) as refused:
        asked.key("one")
    assert refused.value.code == "sign_in_unavailable"
    assert refused.value.extra["reason"] == "provider_unreachable"


def test_an_outage_is_not_asked_about_at_each_request(clock):
    """Nor does an unknown key of that time pass for one that does not exist."""
    site = Site()
    site.down = True
    asked = provider(site, clock)
    for _ in range(10):
        with pytest.raises(DependencyUnavailable):
            asked.key("one")
    assert site.times == 1
    site.down = False
    clock.now += FLOOR
    assert asked.key("one") is not None
    site.down = True
    clock.now += FLOOR
    with pytest.raises(DependencyUnavailable):
        asked.key("two")


def test_a_clock_that_was_set_back_makes_nothing_fresh(clock):
    """Documents from the future are fetched again."""
    site = Site()
    asked = provider(site, clock)
    assert asked.key("one") is not None
    clock.now -= timedelta(days=1)
    assert asked.key("one") is not None
    assert site.times == 2


def test_one_thread_fetches_for_all(clock):
    """However many requests come at the same moment."""
    site, gate = Site(), threading.Barrier(16)
    asked = provider(site, clock)
    found = []

    def ask() -> None:
        gate.wait()
        found.append(asked.key("one"))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.times == 1
    assert len(found) == 16
    assert None not in found


def test_nobody_waits_for_a_provider_that_is_slow(clock, monkeypatch):
    """Whose key is known goes on at once; whose key is not waits a little, and hears of it."""
    monkeypatch.setattr(provider_module, "WAIT_SECONDS", 0.05)
    site = Site()
    asked = provider(site, clock)
    assert asked.key("one") is not None
    clock.now += FRESH_FOR
    begun, go_on = threading.Event(), threading.Event()
    answer = site.document

    def slow(url: str) -> dict[str, Any]:
        begun.set()
        assert go_on.wait(10)
        return answer(url)

    site.document = slow  # type: ignore[method-assign]
    fetching = threading.Thread(target=asked.key, args=("one",))
    fetching.start()
    assert begun.wait(10)
    assert asked.key("one") is not None
    with pytest.raises(DependencyUnavailable):
        asked.key("two")
    go_on.set()
    fetching.join()
    assert site.times == 2


@pytest.mark.parametrize(
    "members",
    [
        {"issuer": f"{ISSUER}/"},
        {"issuer": "https://id.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "http://id.example/jwks"},
        {"jwks_uri": "http://127.0.0.1:2375/containers/json"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://"},
        {"jwks_uri": "https://[id.example/jwks"},
        {"authorization_endpoint": "http://id.example/auth"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": ["https://id.example/token"]},
        {"token_endpoint": "http://id.example/token"},
        {"token_endpoint": "http://localhost:2375/containers/create"},
        {"authorization_endpoint": "http://[::1]/auth"},
    ],
)
def test_a_discovery_document_that_is_not_to_be_believed(clock, members):
    """Another issuer's, one that lacks something, or one that leads out of TLS."""
    with pytest.raises(DependencyUnavailable):
        provider(Site(**members), clock).metadata()


def test_a_jwks_without_a_usable_key_is_an_outage(clock):
    """Rather than every token being of an unknown key."""
    site = Site()
    site.publish()
    with pytest.raises(DependencyUnavailable):
        provider(site, clock).key("one")


def test_an_issuer_with_a_slash_at_its_end(clock):
    """Section 4.1: the path is joined without doubling the slash."""
    site = Site(issuer=f"{ISSUER}/")
    asked = OpenIdProvider(f"{ISSUER}/", site, clock=clock)  # type: ignore[arg-type]
    assert asked.key("one") is not None


@pytest.mark.parametrize(
    ("members", "in_header"),
    [
        ({}, True),
        ({"token_endpoint_auth_methods_supported": ["client_secret_post"]}, False),
        ({"token_endpoint_auth_methods_supported": ["none", "client_secret_basic"]}, True),
        ({"token_endpoint_auth_methods_supported": None}, True),
    ],
)
def test_how_the_client_shows_its_secret(clock, members, in_header):
    """In the header where the provider takes that, which is the default."""
    assert provider(Site(**members), clock).metadata().takes_secret_in_header is in_header
