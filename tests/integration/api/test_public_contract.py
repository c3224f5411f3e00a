"""What is served without authentication: for AWS, for operators, for authors of clients."""

from __future__ import annotations

import re
from typing import Any

import httpx

from broker.domain.identity.permissions import Role
from tests.integration.api.spoiling import DOCUMENT, resolved
from tests.integration.api.world import ACCOUNT, ENGINEER, TICKET, World, answered, assert_problem


def test_health_and_readiness(world: World) -> None:
    """Without authentication; /readyz says what is missing."""
    for path in ("/healthz", "/readyz"):
        answer = httpx.get(world.stage.url + path, trust_env=False)
        assert answered(answer, 200)["status"] in ("ok", "ready")
    ready = httpx.get(world.stage.url + "/readyz", trust_env=False).json()
    assert ready == {"status": "ready", "missing": [], "warnings": []}


def test_metrics(world: World) -> None:
    """Sessions and refusals by reason, exchange latency by step, discovery fetches; no person."""
    engineer = world.over_http(ENGINEER)
    answered(world.session(engineer), 201)
    assert_problem(world.session(engineer, ticket="CASE-NONE"), 403, "ticket_not_found")
    answer = httpx.get(world.stage.url + "/metrics", trust_env=False)
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert answer.headers["Cache-Control"] == "no-store"
    for line in (
        r'broker_sessions_opened_total{access="read"} [1-9]',
        r'broker_sessions_refused_total{reason="ticket_not_found"} [1-9]',
        r'broker_session_step_seconds_count{step="exchange"} [1-9]',
        r'broker_issuer_fetches_total{document="jwks",status="200"} [1-9]',
        r"broker_issuer_documents_age_seconds ",
    ):
        assert re.search("^" + line, answer.text, re.MULTILINE), line
    for private in (ENGINEER, TICKET, ACCOUNT):
        assert private not in answer.text


def test_the_onboarding_template(world: World) -> None:
    """YAML, for CloudFormation to read without authentication."""
    answer = httpx.get(world.stage.url + "/onboarding/template.yaml", trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/yaml"
    assert "AWSTemplateFormatVersion" in answer.text
    assert "ExternalId" in answer.text


def documents(world: World) -> tuple[str, str, str]:
    """An issuer, and the addresses of its discovery and its keys."""
    issuer = world.customers[ACCOUNT].account["issuer"]
    return issuer, f"{issuer}/.well-known/openid-configuration", f"{issuer}/jwks.json"


def test_issuer_documents(world: World) -> None:
    """What a strict relying party needs, and no more than STS takes in a key."""
    issuer, discovery, jwks = documents(world)
    found = httpx.get(discovery, trust_env=False).json()
    assert found["issuer"] == issuer
    assert found["jwks_uri"] == jwks
    assert found["id_token_signing_alg_values_supported"] == ["ES256"]
    assert found.keys() >= {
        *("issuer", "jwks_uri", "response_types_supported", "subject_types_supported"),
        *("id_token_signing_alg_values_supported", "claims_supported"),
    }
    keys = httpx.get(jwks, trust_env=False).json()["keys"]
    shown = world.over_http("admin").get(f"/v1/accounts/{ACCOUNT}").json()["keys"]
    assert [key["kid"] for key in keys] == [key["kid"] for key in shown]
    for key in keys:
        assert key.keys() == {"kty", "use", "alg", "kid", "crv", "x", "y"}


def test_issuer_documents_are_cacheable(world: World) -> None:
    """max-age of at least 300 s, ETag, 304, HEAD."""
    for url in documents(world)[1:]:
        answer = httpx.get(url, trust_env=False)
        cached = re.fullmatch(r"public, max-age=(\d+)", answer.headers["Cache-Control"])
        assert cached
        assert int(cached[1]) >= 300
        etag = answer.headers["ETag"]
        for condition in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            again = httpx.get(url, headers={"If-None-Match": condition}, trust_env=False)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == etag
            assert again.headers["Cache-Control"] == answer.headers["Cache-Control"]
        other = httpx.get(url, headers={"If-None-Match": '"other"'}, trust_env=False)
        assert (other.status_code, other.content) == (200, answer.content)
        head = httpx.head(url, trust_env=False)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("ETag", "Cache-Control", "Content-Type", "Content-Length"):
            assert head.headers[name] == answer.headers[name]


def test_issuers_do_not_depend_on_the_host_that_is_asked_for(world: World) -> None:
    """`issuer` never derives from the Host header."""
    issuer, discovery, _ = documents(world)
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert httpx.get(discovery, headers=headers, trust_env=False).json()["issuer"] == issuer


def test_the_description_is_openapi(world: World) -> None:
    """OpenAPI 3.1, whole in itself: every reference leads somewhere, every name is used once."""
    answer = httpx.get(world.stage.url + "/openapi.json", trust_env=False)
    description = answered(answer, 200)
    assert description == {**DOCUMENT, "info": description["info"]}
    assert description["openapi"].startswith("3.1.")
    assert description["info"].keys() >= {"title", "version"}
    assert description["security"] == [{"bearer": []}, {"browser": []}]
    schemes = description["components"]["securitySchemes"]
    assert schemes["bearer"]["scheme"] == "bearer"
    assert (schemes["browser"]["in"], schemes["browser"]["name"]) == (
        "cookie",
        "__Host-broker-session",
    )
    names = []
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert method in {"get", "put", "post", "patch", "delete"}
            names.append(operation["operationId"])
            assert operation["summary"].endswith(".")
            in_path = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", path))
            assert all(each["required"] for each in operation["parameters"] if each["in"] == "path")
            assert "default" in operation["responses"]
    assert len(set(names)) == len(names)
    for reference in references(description):
        assert reference.startswith("#/components/schemas/")
        assert resolved({"$ref": reference})


def references(part: Any) -> list[str]:
    """Every $ref within `part`."""
    if isinstance(part, list):
        return [found for member in part for found in references(member)]
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + references(list(part.values()))
    return []


def test_every_role_is_described() -> None:
    """The description names the roles that a token may have."""
    assert resolved({"$ref": "#/components/schemas/Role"})["enum"] == [role.value for role in Role]
