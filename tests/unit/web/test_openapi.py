"""What `/openapi.json` says: valid by the specification's own schema, with an example of all."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import TypeAdapter

from broker.contract.problems import ProblemAnswer
from broker.domain.access import Reason
from broker.web import openapi
from broker.web.api import APIS, PUBLIC_APIS
from broker.web.endpoints import Api, Endpoint
from broker.web.problem_codes import OWN, codes_of

ALL = (*APIS, *PUBLIC_APIS)
DOCUMENT: Any = json.loads(json.dumps(openapi.document(ALL, version="tests")))
ENDPOINTS = [(api, endpoint) for api in ALL for endpoint in api.endpoints]
NAMES = [endpoint.name for _, endpoint in ENDPOINTS]

each_operation = pytest.mark.parametrize(("api", "endpoint"), ENDPOINTS, ids=NAMES)

NOT_ANSWERED = {
    "key_is_owned": "the command line, on the broker's machine",
    "nothing_to_archive": "the command line, on the broker's machine",
    "not_a_navigation": "a browser's pages",
}
"""Codes that no operation of the API answers with, and where they are answered."""


def described(endpoint: Endpoint) -> Any:
    """The operation as the document has it."""
    path = endpoint.path.replace("<", "{").replace(">", "}")
    return DOCUMENT["paths"][path][endpoint.method.lower()]


def test_it_is_valid_openapi() -> None:
    """By the published schema of OpenAPI 3.1, its references and its examples included."""
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


@each_operation
def test_each_operation_has_examples(api: Api, endpoint: Endpoint) -> None:
    """Of its body, its answer and what is in its address; each is what the models take."""
    del api
    operation = described(endpoint)
    if endpoint.body is not None:
        example = operation["requestBody"]["content"]["application/json"]["example"]
        endpoint.body.model_validate_json(json.dumps(example))
    answer = operation["responses"][str(endpoint.status)]
    if endpoint.answer is not None:
        example = answer["content"]["application/json"]["example"]
        endpoint.answer.model_validate_json(json.dumps(example))
        # Nothing more than the model has: a member that is not answered any more stands out.
        read = endpoint.answer.model_validate(example)
        assert json.loads(read.model_dump_json(by_alias=True)) == example
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            adapter: TypeAdapter[Any] = endpoint.path_parameters[parameter["name"]]
            adapter.validate_python(parameter["example"])
    shown = {p["name"]: p["example"] for p in operation["parameters"] if "example" in p}
    asked = {name: value for name, value in shown.items() if name not in endpoint.path_parameters}
    endpoint.query.model_validate(asked)


def test_a_stream_has_an_example_too() -> None:
    """Each of its lines is JSON, and the last one is the end."""
    content = DOCUMENT["paths"]["/v1/ledger/export"]["get"]["responses"]["200"]["content"]
    lines = content["application/x-ndjson"]["example"].splitlines()
    assert [sorted(json.loads(line))[0] for line in lines] == ["action", "end"]


@each_operation
def test_problems_are_told_apart(api: Api, endpoint: Endpoint) -> None:
    """Each code is at its status, with a document that a client can read."""
    for code in codes_of(api, endpoint):
        answer = described(endpoint)["responses"][str(code.status)]
        example = answer["content"]["application/problem+json"]["examples"][code.code]
        problem = ProblemAnswer.model_validate_json(json.dumps(example["value"]))
        assert (problem.code, problem.status) == (code.code, code.status)
        assert problem.detail.endswith(".")
        assert set(example["value"]) <= set(ProblemAnswer.model_fields)


def test_what_is_told_of_operations_is_told_of_operations_that_there_are() -> None:
    """A renamed view takes its codes along."""
    assert OWN.keys() <= set(NAMES)


def test_every_reason_of_a_refusal_is_told() -> None:
    """Of opening a session, and of what comes before it."""
    told = {
        code.code
        for api, endpoint in ENDPOINTS
        if endpoint.name in {"open_session", "request_grant", "approve_grant"}
        for code in codes_of(api, endpoint)
    }
    assert {reason.value for reason in Reason} <= told


def test_no_code_is_a_secret() -> None:
    """Whatever code the sources name is told, unless the API does not answer with it."""
    told = {code.code for api, endpoint in ENDPOINTS for code in codes_of(api, endpoint)}
    root = Path(openapi.__file__).parents[1]
    named = {
        code
        for package in ("services", "web", "store", "aws", "http")
        for path in (root / package).rglob("*.py")
        for code in _codes_in(path)
    }
    assert named - told == NOT_ANSWERED.keys()


def _codes_in(path: Path) -> Iterator[str]:
    """What is passed as `code` anywhere in the module, where it stands there literally."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.keyword(arg="code", value=ast.Constant(value=str() as code)):
                yield code
