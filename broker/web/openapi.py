"""`/openapi.json`: OpenAPI 3.1, generated from the models that validate requests."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema

from broker.contract.problems import ProblemAnswer
from broker.web.auth import CSRF_HEADER
from broker.web.endpoints import Access, Api, Endpoint
from broker.web.idempotency import HEADER

Json = dict[str, object]
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
            operation = _operation(endpoint, api.tag)
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


def _operation(endpoint: Endpoint, tag: str) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [tag],
        "parameters": _parameters(endpoint),
        "responses": {
            str(endpoint.status): _content("The answer.", endpoint.answer, endpoint.media_type),
            "default": _content("A problem.", ProblemAnswer, "application/problem+json"),
        },
    }
    if endpoint.body is not None:
        schema = {"$ref": _REFERENCE.format(model=endpoint.body.__name__)}
        content = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _content(description: str, model: type[BaseModel] | None, media_type: str) -> Json:
    if model is None and media_type == "application/json":
        return {"description": description}
    if model is None:
        return {"description": description, "content": {media_type: {}}}
    schema = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _parameters(endpoint: Endpoint) -> list[Json]:
    in_path: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": adapter.json_schema()}
        for name, adapter in endpoint.path_parameters.items()
    ]
    in_query: list[Json] = [
        {
            "name": name,
            "in": "query",
            "required": field.is_required(),
            "schema": _schema_of(field)[0],
        }
        for name, field in endpoint.query.model_fields.items()
    ]
    if endpoint.method == "GET":
        return in_path + in_query
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    return [*in_path, *in_query, {"name": HEADER, "in": "header", "schema": schema}]
