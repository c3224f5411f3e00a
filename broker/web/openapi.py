"""`/openapi.json`: OpenAPI 3.1, generated from the models that validate requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema

from broker.contract.base import Body
from broker.contract.problems import ProblemAnswer
from broker.web import examples
from broker.web.auth import CSRF_HEADER
from broker.web.endpoints import Access, Api, Endpoint
from broker.web.idempotency import HEADER
from broker.web.problem_codes import Code, codes_of, example_of
from broker.web.problems import MEDIA_TYPE as PROBLEM

Json = dict[str, object]
JSON = "application/json"
_SECURITY: Json = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token, or an ID token of the organisation's OpenID provider.",
    },
    "browser": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-broker-session",
        "description": f"A browser's session; its writes need the header {CSRF_HEADER} too.",
    },
}
_REFERENCE = "#/components/schemas/{model}"


def document(apis: Iterable[Api], *, version: str) -> Json:
    """The whole description."""
    apis = tuple(apis)
    endpoints = [endpoint for api in apis for endpoint in api.endpoints]
    paths: dict[str, Json] = {}
    for api in apis:
        for endpoint in api.endpoints:
            path = endpoint.path.replace("<", "{").replace(">", "}")
            operation = _operation(endpoint, api)
            if api.access is Access.PUBLIC:
                operation["security"] = []
            paths.setdefault(path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Support access broker",
            "version": version,
            "description": "Short-lived, read-only AWS credentials for support tickets.",
        },
        "security": [{"bearer": []}, {"browser": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(endpoints),
            "securitySchemes": _SECURITY,
        },
    }


def _schemas(endpoints: Iterable[Endpoint]) -> Json:
    models: set[type[BaseModel]] = {ProblemAnswer}
    for endpoint in endpoints:
        models.update(model for model in (endpoint.body, endpoint.answer) if model)
    validated = {endpoint.body for endpoint in endpoints}
    inputs = sorted(models, key=lambda model: model.__name__)
    _, schema = models_json_schema(
        [(model, "validation" if model in validated else "serialization") for model in inputs],
        ref_template=_REFERENCE,
    )
    definitions: Json = schema["$defs"]
    for endpoint in endpoints:
        for field in endpoint.query.model_fields.values():
            definitions |= _schema_of(field)[1]
    return definitions


def _schema_of(field: FieldInfo) -> tuple[Json, Json]:
    """The schema of a parameter, and those that it refers to among the components."""
    adapter: TypeAdapter[object] = TypeAdapter(field.rebuild_annotation())
    schema = adapter.json_schema(ref_template=_REFERENCE)
    return schema, schema.pop("$defs", {})


def _operation(endpoint: Endpoint, api: Api) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [api.tag],
        "parameters": _parameters(endpoint),
        "responses": {str(endpoint.status): _answer(endpoint)}
        | _problems(codes_of(api, endpoint))
        | {"default": _content("A problem.", ProblemAnswer, PROBLEM)},
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: _media(endpoint.body, examples.body_of(endpoint))},
        }
    return operation


def _answer(endpoint: Endpoint) -> Json:
    if endpoint.answer is None and endpoint.media_type == JSON:
        return {"description": "Done."}
    example = examples.answer_of(endpoint)
    media = _media(endpoint.answer, example)
    return {"description": "The answer.", "content": {endpoint.media_type: media}}


def _problems(codes: Iterable[Code]) -> Json:
    """An answer for each status, with an example of each code that it may have."""
    answers: Json = {}
    for status, group in groupby(codes, key=lambda code: code.status):
        told = list(group)
        answers[str(status)] = {
            "description": " ".join(f"`{each.code}`: {each.meaning}" for each in told),
            "content": {
                PROBLEM: {
                    "schema": _reference(ProblemAnswer),
                    "examples": {
                        each.code: {"summary": each.meaning, "value": example_of(each)}
                        for each in told
                    },
                }
            },
        }
    return answers


def _content(description: str, model: type[BaseModel], media_type: str) -> Json:
    return {"description": description, "content": {media_type: {"schema": _reference(model)}}}


def _media(model: type[BaseModel] | None, example: BaseModel | str | None) -> Json:
    media: Json = {} if model is None else {"schema": _reference(model)}
    if isinstance(example, BaseModel):
        media["example"] = as_json(example)
    elif example is not None:
        media["example"] = example
    return media


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def as_json(example: BaseModel) -> object:
    """An example as it is sent: of a body what was given, of an answer everything."""
    body = isinstance(example, Body)
    return example.model_dump(mode="json", by_alias=True, exclude_unset=body)


def _parameters(endpoint: Endpoint) -> list[Json]:
    in_path: list[Json] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": adapter.json_schema(),
            **_example(examples.path_of(endpoint), name),
        }
        for name, adapter in endpoint.path_parameters.items()
    ]
    asked = examples.query_of(endpoint)
    shown = {} if asked is None else asked.model_dump(mode="json", exclude_unset=True)
    in_query: list[Json] = [
        {
            "name": name,
            "in": "query",
            "required": field.is_required(),
            "schema": _schema_of(field)[0],
            **_example(shown, name),
        }
        for name, field in endpoint.query.model_fields.items()
    ]
    if endpoint.method == "GET":
        return in_path + in_query
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    key: Json = {
        "name": HEADER,
        "in": "header",
        "description": "The same request with the same key gets the same answer, for a day.",
        "schema": schema,
    }
    return [*in_path, *in_query, key]


def _example(examples_by_name: Mapping[str, object], name: str) -> Json:
    return {"example": examples_by_name[name]} if name in examples_by_name else {}
