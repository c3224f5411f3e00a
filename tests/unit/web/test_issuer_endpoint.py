"""The issuers' fast path: exact documents, exact headers, and stale rather than silent."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import Client

from broker.domain.accounts import AccountState
from broker.domain.ports import Versioned
from broker.errors import DependencyUnavailable, StoreUnavailable
from broker.services.issuer.directory import IssuerDirectory
from broker.web.issuer import LOOKUPS_A_SECOND, IssuerEndpoint
from broker.web.metrics import Metrics
from keys.jose import public_jwk
from keys.rotation import activate, stage
from keys.types import KeyReference
from tests.unit.domain.making import ISSUER, NOW, account

ISSUER_ID = "a" * 32
DISCOVERY = f"/oidc/{ISSUER_ID}/.well-known/openid-configuration"
JWKS = f"/oidc/{ISSUER_ID}/jwks.json"


def keys():
    """An active and a staged key."""
    made = [
        KeyReference(
            "local", f"{n}.pem", public_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
        )
        for n in range(2)
    ]
    signing = activate(stage((), made[0], now=NOW), made[0].kid, now=NOW)
    return stage(signing, made[1], now=NOW)


class Accounts:
    """Accounts in memory, which can go away; as much of the repository as the directory asks."""

    def __init__(self, *accounts) -> None:
        self.by_id = {one.account_id: one for one in accounts}
        self.revision = 1
        self.is_gone = False
        self.lookups = 0

    def _answer(self, value):
        if self.is_gone:
            raise StoreUnavailable("gone")
        return value

    def get(self, account_id):
        found = self.by_id.get(account_id)
        return self._answer(found and Versioned(found, 1))

    def of_issuer(self, issuer_id):
        self.lookups += 1
        return self._answer(
            next((one for one in self.by_id.values() if one.issuer_id == issuer_id), None)
        )

    def changed_since(self, revision):
        changed = tuple(self.by_id) if revision < self.revision else ()
        return self._answer((self.revision, changed))


@pytest.fixture
def accounts():
    return Accounts(account(keys=keys()))


@pytest.fixture
def endpoint(accounts):
    directory = IssuerDirectory(accounts=accounts, clock=lambda: datetime.now(UTC))

    def behind(_, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"behind"]

    return IssuerEndpoint(
        directory=directory,
        behind=behind,
        metrics=Metrics(),
        max_age=3600,
        clock=lambda: datetime.now(UTC),
    )


@pytest.fixture
def client(endpoint):
    return Client(endpoint)


def test_discovery_names_the_issuer_exactly(client):
    """`issuer` is the account's own, never derived from the Host header."""
    answer = client.get(DISCOVERY, headers={"Host": "evil.example"})
    assert answer.status_code == 200
    document = answer.get_json()
    assert document["issuer"] == ISSUER
    assert document["jwks_uri"] == f"{ISSUER}/jwks.json"
    assert document["id_token_signing_alg_values_supported"] == ["ES256"]
    assert document["response_types_supported"] == ["id_token"]
    assert document["subject_types_supported"] == ["public"]
    assert "sub" in document["claims_supported"]


def test_the_jwks_holds_both_keys_and_nothing_private(client, accounts):
    """Active and staged key; no `key_ops`, which STS refuses, no `x5c`, no `d`."""
    answer = client.get(JWKS)
    listed = answer.get_json()["keys"]
    expected = [record.kid for record in next(iter(accounts.by_id.values())).keys]
    assert [key["kid"] for key in listed] == expected
    assert all(set(key) == {"kty", "use", "alg", "kid", "crv", "x", "y"} for key in listed)


@pytest.mark.parametrize("path", [DISCOVERY, JWKS])
def test_documents_are_cacheable_and_revalidate(client, path):
    """max-age, ETag, 304 with no body, HEAD with the length but no body."""
    first = client.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    assert first.headers["Content-Type"] == "application/json"
    etag = first.headers["ETag"]
    assert json.loads(first.data)
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = client.get(path, headers={"If-None-Match": sent})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == etag
        assert again.headers["Cache-Control"] == "public, max-age=3600"
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    head = client.head(path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(first.data))


NOT_FOUND = [
    f"/oidc/{'b' * 32}/jwks.json",
    f"/oidc/{ISSUER_ID}",
    f"/oidc/{ISSUER_ID}/",
    f"/oidc/{ISSUER_ID}/jwks.json/",
    f"/oidc/{ISSUER_ID.upper()}/jwks.json",
    f"/oidc/{ISSUER_ID}/keys",
    "/oidc/111122223333/jwks.json",
    "/oidc/../oidc/x/jwks.json",
    "/oidc/%00/jwks.json",
]


@pytest.mark.parametrize("path", NOT_FOUND)
def test_anything_else_under_oidc_is_not_found(client, path):
    """An account number finds nothing: nobody can list customers."""
    assert client.get(path).status_code == 404


def test_other_methods_are_refused(client):
    """The documents can only be read."""
    answer = client.post(JWKS)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_everything_else_goes_to_the_application(client):
    """The fast path takes `/oidc/` and nothing else."""
    assert client.get("/v1/me").data == b"behind"
    assert client.get("/oidcx").data == b"behind"


def test_documents_are_served_when_the_store_is_gone(client, accounts):
    """Stale is better than silence (promise 7)."""
    body = client.get(JWKS).data
    accounts.is_gone = True
    assert client.get(JWKS).data == body
    assert client.get(DISCOVERY).status_code == 200


def test_an_unknown_issuer_without_the_store_is_not_called_unknown(client, accounts):
    """It may exist: 503, so that AWS asks again, instead of 404."""
    accounts.is_gone = True
    answer = client.get(f"/oidc/{'c' * 32}/jwks.json")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_a_flood_of_invented_issuers_does_not_reach_the_store(client, accounts):
    """Past the allowance the store is left alone, and known issuers are served all the same."""
    client.get(JWKS)
    statuses = {client.get(f"/oidc/{n:032d}/jwks.json").status_code for n in range(500)}
    assert statuses == {404, 503}
    assert accounts.lookups <= 2 * LOOKUPS_A_SECOND + 1
    assert client.get(JWKS).status_code == 200


def test_a_change_is_published_by_the_next_refresh(endpoint, client, accounts):
    """A rotated key appears; a removed account's documents go."""
    before = client.get(JWKS).headers["ETag"]
    (only,) = accounts.by_id.values()
    accounts.by_id[only.account_id] = replace(only, keys=keys())
    accounts.revision += 1
    endpoint._directory.refresh()
    assert client.get(JWKS).headers["ETag"] != before
    accounts.by_id[only.account_id] = replace(only, keys=(), state=AccountState.REMOVED)
    accounts.revision += 1
    endpoint._directory.refresh()
    assert client.get(JWKS).status_code == 404


def test_the_directory_says_how_fresh_it_is(endpoint, accounts):
    """A failed refresh leaves the time of the last good one."""
    directory = endpoint._directory
    directory.refresh()
    fresh_at = directory.fresh_at
    assert datetime.now(UTC) - fresh_at < timedelta(seconds=5)
    accounts.is_gone = True
    with pytest.raises(DependencyUnavailable):
        directory.refresh()
    assert directory.fresh_at == fresh_at
