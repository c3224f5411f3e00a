"""Whatever is wrong with a request: a 4xx problem that says what, and nothing is written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from broker.web.endpoints import MAX_BODY
from tests.integration.api.samples import ENDPOINTS, SAMPLES, address
from tests.integration.api.spoiling import (
    DOCUMENT,
    MARK,
    bad_values,
    body_schema,
    operations,
)
from tests.integration.api.world import ACCOUNT, World, assert_problem

WIDE_DIGITS = "\uff11" * 12
JSON = {"Content-Type": "application/json"}
WITH_BODY = [name for name, endpoint in ENDPOINTS.items() if endpoint.body]
BODY_FIELDS = [
    (operation["operationId"], field)
    for _, _, operation in operations()
    for field in (body_schema(operation) or {"properties": {}})["properties"]
]
PARAMETERS = {
    place: [
        (operation["operationId"], parameter["name"])
        for _, _, operation in operations()
        for parameter in operation["parameters"]
        if parameter["in"] == place
    ]
    for place in ("path", "query", "header")
}


COMPLETE_WHEN_EMPTY = ("approve_grant", "deny_grant", "revoke_grant")
"""A decision needs no reason, so `{}` is one."""


@pytest.fixture(autouse=True)
def _nothing_is_written(world: World) -> Iterator[None]:
    before = world.state()
    yield
    assert world.state() == before


def send(world: World, name: str, **options: Any) -> httpx.Response:
    """Send the sample of an operation, with `options` in place of its parts."""
    sample = SAMPLES[name]
    path = address(name, **options.pop("path", {}))
    if "content" not in options:
        body = options.pop("json", sample.body)
        if body is not None:
            # In ASCII, so that even half a surrogate pair can be told.
            options["content"] = json.dumps(body)
            options["headers"] = {**JSON, **options.get("headers", {})}
    return world.over_http(sample.caller).request(ENDPOINTS[name].method, path, **options)


def assert_names(answer: httpx.Response, field: str) -> None:
    """The answer must be a refusal that names `field` and repeats nothing."""
    problem = assert_problem(answer, 400, "invalid_request")
    named = [each["field"] for each in problem["errors"]]
    assert any(each == field or each.startswith(f"{field}.") for each in named), problem
    assert all(each["message"] for each in problem["errors"])
    assert MARK not in answer.text.replace(f'"{MARK}"', "") or field == MARK


def test_every_operation_has_a_sample_and_every_input_a_case(world: World) -> None:
    """What the running broker describes is what the cases below are made from."""
    described = world.over_http("admin").get("/openapi.json").json()
    assert described["paths"] == DOCUMENT["paths"]
    assert described["components"] == DOCUMENT["components"]
    assert SAMPLES.keys() == ENDPOINTS.keys()
    for name in WITH_BODY:
        fields = {field for operation, field in BODY_FIELDS if operation == name}
        assert SAMPLES[name].body.keys() == fields
    for name, sample in SAMPLES.items():
        queries = {field for operation, field in PARAMETERS["query"] if operation == name}
        assert sample.query.keys() == queries


@pytest.mark.parametrize(("name", "field"), BODY_FIELDS)
def test_every_bad_value_of_a_body_field_is_refused(world: World, name: str, field: str) -> None:
    """Wrong type, wrong length, unknown value, control character, null: the field is named."""
    schema = DOCUMENT["components"]["schemas"][ENDPOINTS[name].body.__name__]["properties"][field]
    good = SAMPLES[name].body
    for value in bad_values(schema, good[field]):
        answer = send(world, name, json={**good, field: value})
        if value == "\ud800" or (isinstance(value, list) and "\ud800" in value):
            assert assert_problem(answer, 400, "invalid_request")["errors"][0]["field"] == ""
        else:
            assert_names(answer, field)


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_missing_member_is_named(world: World, name: str) -> None:
    """What is required is required."""
    schema = DOCUMENT["components"]["schemas"][ENDPOINTS[name].body.__name__]
    for field in schema.get("required", ()):
        body = {member: value for member, value in SAMPLES[name].body.items() if member != field}
        assert_names(send(world, name, json=body), field)
    if "required" not in schema and name not in COMPLETE_WHEN_EMPTY:
        assert_problem(send(world, name, json={}), 400, "invalid_request")


@pytest.mark.parametrize("name", WITH_BODY)
def test_an_unknown_member_is_refused(world: World, name: str) -> None:
    """A member that is not known might have been meant as one that is."""
    for member in ("unknown", "Account_Id", "", "__proto__"):
        answer = send(world, name, json={**SAMPLES[name].body, member: 1})
        problem = assert_problem(answer, 400, "invalid_request")
        assert [each["field"] for each in problem["errors"]] == [member]


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_member_given_twice_is_refused(world: World, name: str) -> None:
    """Parsers disagree on which of the two counts."""
    for field, value in SAMPLES[name].body.items():
        text = json.dumps(SAMPLES[name].body)[:-1] + f", {json.dumps(field)}: {json.dumps(value)}}}"
        assert_names(send(world, name, content=text, headers=JSON), field)


NOT_JSON: dict[str, bytes] = {
    "empty": b"",
    "cut": b'{"account_id": "1111',
    "text": b"account_id=111122223333",
    "a list": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "NaN": b"NaN",
    "a member NaN": b'{"payer": NaN, "duration_seconds": NaN}',
    "a member Infinity": b'{"payer": -Infinity, "duration_seconds": Infinity}',
    "a huge number": b'{"duration_seconds": 1e999, "payer": ' + b"9" * 5000 + b"}",
    "deep lists": b"[" * 30_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "half a surrogate pair as a name": b'{"\\udfff": 1}',
    "bytes that are not UTF-8": b'{"customer": "\xff\xfe"}',
    "UTF-16": '{"customer": "x"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "two documents": b"{} {}",
    "a trailing comma": b'{"payer": true,}',
    "a comment": b'{"payer": true /* yes */}',
    "compressed": gzip.compress(b"{}"),
}


@pytest.mark.parametrize("kind", NOT_JSON)
@pytest.mark.parametrize("name", WITH_BODY)
def test_what_is_not_a_json_object_is_refused(world: World, name: str, kind: str) -> None:
    """Broken, deep, or something else than JSON: errors[] says so."""
    answer = send(world, name, content=NOT_JSON[kind], headers=JSON)
    assert assert_problem(answer, 400, "invalid_request")["errors"]


@pytest.mark.parametrize("name", WITH_BODY)
@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/problem+json",
        "application/jsonp",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "json",
    ],
)
def test_another_content_type_is_refused(world: World, name: str, content_type: str | None) -> None:
    """A good body that calls itself something else, or another charset, is not guessed at."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    content = json.dumps(SAMPLES[name].body).encode()
    assert_names(send(world, name, content=content, headers=headers), "")


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_body_of_a_megabyte_is_refused(world: World, name: str) -> None:
    """Whether its length is told beforehand or not, and also with an Idempotency-Key."""
    megabyte = json.dumps({**SAMPLES[name].body, "pad": "x" * 1_000_000}).encode()
    parts = [megabyte[n : n + MAX_BODY] for n in range(0, len(megabyte), MAX_BODY)]
    secret = world.secrets[SAMPLES[name].caller]
    for content in (megabyte, iter(parts)):
        # The broker closes a connection on which it left something unread.
        with world.stage.client(secret) as client:
            answer = client.request(
                ENDPOINTS[name].method,
                address(name),
                content=content,
                headers={**JSON, "Idempotency-Key": "big"},
            )
        assert_problem(answer, 413, "request_entity_too_large")


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS["path"])
def test_every_bad_value_in_a_path_is_refused(world: World, name: str, parameter: str) -> None:
    """An identifier that cannot be one is a bad request, not a search for it."""
    longer = SAMPLES[name].path[parameter] + "0" * 70
    for value in (longer, "%00", "%0A", "%FF%FE", "%E9", "%ED%A0%80", "a%20b", "..%3F", "-", "é"):
        assert_names(send(world, name, path={parameter: value}), parameter)


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS["query"])
def test_every_bad_value_in_a_query_is_refused(world: World, name: str, parameter: str) -> None:
    """limit: 1 to 200. cursor: what an earlier answer gave. account_id: twelve digits."""
    bad = {
        "limit": ("0", "-1", "201", "1.5", "x", "", "1e1", "\u0665", "9" * 30, "null", "%00"),
        "cursor": ("x", "-1", "é", "a" * 201, "a" * 9, "AAAA====", "MTEx%0A", "0.0", "%00", "²"),
        "region": ("eu", "US-EAST-1", "us-moon-1", "us-east-1,", ",", "us-east-1%0A", "é", "%00"),
        "ticket": ("", "-", "a b", "a" * 65, "CASE%0A", "é", "%00", "../x"),
        "state": ("", "open", "APPROVED", "approved%0A", "%00"),
        "engineer": ("", "a", "a" * 65, "-ann", "a b", "ann%0A", "é", "%00"),
        "after": ("-1", "1.5", "x", "", "9" * 16, "\u0665", "%00"),
        "through": ("0", "-1", "1.5", "x", "", "9" * 16, "%00"),
        "account_id": (
            "",
            "1",
            "1" * 13,
            "11112222333x",
            WIDE_DIGITS,
            ACCOUNT + "%0A",
        ),
    }
    for value in bad[parameter]:
        answer = send(world, name, path={}, params=f"{parameter}={value}")
        assert_names(answer, parameter)


@pytest.mark.parametrize("name", [name for name in SAMPLES if ENDPOINTS[name].method == "GET"])
def test_a_query_that_is_not_known_is_refused(world: World, name: str) -> None:
    """Unknown names, names given twice, and bytes that are not UTF-8."""
    assert_names(send(world, name, params="unknown=1"), "unknown")
    assert_names(send(world, name, params="limit=1&limit=2"), "limit")
    assert_problem(send(world, name, params="%FF=%FE"), 400, "invalid_request")


@pytest.mark.parametrize("name", [name for name, _ in PARAMETERS["header"]])
def test_a_bad_idempotency_key_is_refused(world: World, name: str) -> None:
    """1 to 200 printable ASCII characters."""
    for key in ("", "a b", "x" * 201, "é", "a\tb"):
        headers = {"Idempotency-Key": key.encode("latin-1")}
        assert_names(send(world, name, headers=headers), "Idempotency-Key")


@pytest.mark.parametrize(
    "etag", ["1", 'W/"1"', '"1", "2"', '"x"', '""', '"-1"', f'"{"9" * 16}"', '"1"x', '"\u0661"']
)
def test_a_bad_if_match_is_refused(world: World, etag: str) -> None:
    """Only an ETag that the account was read with."""
    answer = send(
        world, "change_account", json={"payer": True}, headers={"If-Match": etag.encode()}
    )
    assert_names(answer, "If-Match")


def test_an_empty_change_is_refused_to_everybody(world: World) -> None:
    """It needs no permission, so it must have no effect and show nothing."""
    for body in ({}, {"consent": None}, {"consent": None, "payer": None, "profile": None}):
        answer = world.over_http("other-customer").patch(f"/v1/accounts/{ACCOUNT}", json=body)
        assert_names(answer, "")


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "FOO")
PUBLIC = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/onboarding/template.yaml")
NO_BRACES = str.maketrans("", "", "{}")
ALLOWED = {
    **{path: {method.upper() for method in methods} for path, methods in DOCUMENT["paths"].items()},
    **{path: {"GET"} for path in PUBLIC},
    "/oidc/x/jwks.json": {"GET"},
    "/oidc/x/.well-known/openid-configuration": {"GET"},
}


@pytest.mark.parametrize("path", ALLOWED)
def test_another_method_is_refused_with_what_is_allowed(world: World, path: str) -> None:
    """405 with Allow (RFC 9110, section 15.5.6), OPTIONS included."""
    for method in METHODS:
        if method not in ALLOWED[path]:
            answer = world.over_http("admin").request(
                method, path.replace("{", "").replace("}", "")
            )
            assert_problem(answer, 405, "method_not_allowed")
            allowed = set(answer.headers["Allow"].split(", "))
            assert allowed - {"HEAD"} == ALLOWED[path]


@pytest.mark.parametrize(
    "path",
    [
        *("/x", "/v1", "/v1/", "/v2/accounts", "/v1/nothing", "/V1/accounts", "/v1//accounts"),
        *("/v1/accounts/", f"/v1/accounts/{ACCOUNT}/", f"/v1/accounts/{ACCOUNT}/nothing"),
        *("/v1/accounts/%2e%2e/accounts", "/.env", "/%00", "/static/x", "/healthz/", "/readyz/x"),
        *("/oidc", "/oidc/", "/oidc/x", "/oidc/x/jwks.json", "/oidc/x/y/jwks.json"),
        *("/oidc/%2e%2e/jwks.json", f"/oidc/{'0' * 32}/jwks.json", "/oidc//jwks.json"),
        *(f"/oidc/{'0' * 32}/.well-known/openid-configuration", f"/oidc/{'0' * 32}/jwks.json/"),
    ],
)
def test_an_unknown_address_is_not_found(world: World, path: str) -> None:
    """No redirect, no guess; the same for a HEAD, without a body."""
    client = world.over_http("admin")
    assert_problem(
        client.get(httpx.URL(world.stage.url).copy_with(raw_path=path.encode())), 404, "not_found"
    )
    head = client.head(path)
    assert (head.status_code, head.content) == (404, b"")
