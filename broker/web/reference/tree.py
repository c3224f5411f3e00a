"""The description of the API as a page shows it: chapters of operations, and the models they name.

Everything here is read from the OpenAPI document, so the page says what `/openapi.json` says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from broker.web.reference.words import Kind, Piece, Schemas, name_of, prose, what_it_may_be

Json = Mapping[str, Any]
Prose = tuple[Piece, ...]
_JSON = "application/json"
_WRITTEN = {"api": "API", "url": "URL"}
_METHODS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of a body, an answer or a model; or one parameter, with where it stands."""

    name: str
    required: bool
    may_be: tuple[Piece, ...]
    default: str | None
    about: Prose
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is sent one way: `model` names it, `example` is the text of one."""

    model: str | None
    about: Prose
    members: tuple[Member, ...]
    media_type: str
    example: str | None


@dataclass(frozen=True, slots=True)
class ProblemCode:
    """One way for an operation to fail."""

    status: str
    code: str
    meaning: Prose


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method at one path."""

    id: str
    label: str
    method: str
    path: str
    summary: Prose
    public: bool
    parameters: tuple[Member, ...]
    body: Shape | None
    status: str
    answer: Shape | None
    curl: str
    problems: tuple[ProblemCode, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """The operations of one subject."""

    id: str
    title: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The whole page."""

    title: str
    about: str
    version: str
    chapters: tuple[Chapter, ...]
    models: tuple[Shape, ...]
    """Models that members name, each once, in the order of their names."""


def read(document: Json) -> Reference:
    """What there is to show of an OpenAPI document of ours."""
    schemas: Schemas = document["components"]["schemas"]
    chapters: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in filter(methods.__contains__, _METHODS):
            operation = methods[method]
            chapters.setdefault(operation["tags"][0], []).append(
                _operation(method, path, operation, schemas)
            )
    shown = tuple(Chapter(tag, _label(tag), tuple(each)) for tag, each in chapters.items())
    return Reference(
        title=document["info"]["title"],
        about=document["info"]["description"],
        version=document["info"]["version"],
        chapters=shown,
        models=tuple(
            _shape(name, schemas, media_type=_JSON, example=None)
            for name in sorted(_named(shown, schemas))
        ),
    )


def _operation(method: str, path: str, operation: Json, schemas: Schemas) -> Operation:
    body = operation.get("requestBody")
    shape = None if body is None else _content(body["content"], schemas)
    status = next(each for each in operation["responses"] if each.startswith("2"))
    answer = operation["responses"][status].get("content")
    return Operation(
        id=operation["operationId"],
        label=_label(operation["operationId"]),
        method=method.upper(),
        path=path,
        summary=prose(operation["summary"]),
        public=operation.get("security") == [],
        parameters=tuple(_parameter(each, schemas) for each in operation["parameters"]),
        body=shape,
        status=status,
        answer=None if answer is None else _content(answer, schemas),
        curl=_curl(method.upper(), path, operation, has_body=body is not None),
        problems=tuple(_problems(operation["responses"])),
    )


def _content(content: Json, schemas: Schemas) -> Shape:
    """The one media type that there is."""
    ((media_type, media),) = content.items()
    example = media.get("example")
    text = example if example is None or isinstance(example, str) else json.dumps(example, indent=2)
    name = name_of(media["schema"]["$ref"]) if "schema" in media else None
    return _shape(name, schemas, media_type=media_type, example=text)


def _shape(name: str | None, schemas: Schemas, *, media_type: str, example: str | None) -> Shape:
    schema: Json = {} if name is None else schemas[name]
    required = schema.get("required", ())
    return Shape(
        model=name,
        about=prose(schema.get("description", "")),
        members=tuple(
            _member(member, described, schemas, required=member in required)
            for member, described in schema.get("properties", {}).items()
        ),
        media_type=media_type,
        example=example,
    )


def _member(name: str, schema: Json, schemas: Schemas, *, required: bool) -> Member:
    default = schema.get("default")
    return Member(
        name=name,
        required=required,
        may_be=what_it_may_be(schema, schemas),
        default=None if default in (None, "", []) else json.dumps(default).strip('"'),
        about=prose(schema.get("description", "")),
    )


def _parameter(parameter: Json, schemas: Schemas) -> Member:
    schema = parameter["schema"]
    return Member(
        name=parameter["name"],
        required=parameter.get("required", False),
        may_be=what_it_may_be(schema, schemas),
        default=str(schema["default"]) if schema.get("default") else None,
        about=prose(parameter.get("description") or schema.get("description", "")),
        place=parameter["in"],
    )


def _problems(responses: Json) -> Iterator[ProblemCode]:
    for status, response in responses.items():
        for content in response.get("content", {}).values():
            for code, example in content.get("examples", {}).items():
                yield ProblemCode(status, code, prose(example["summary"]))


def _curl(method: str, path: str, operation: Json, *, has_body: bool) -> str:
    """A command line to try it with. The credential comes by standard input: what stands among a
    command's arguments, every user of the machine can read."""
    shown = {(each["in"], each["name"]): each.get("example") for each in operation["parameters"]}
    address = re.sub(r"{(\w+)}", lambda found: str(shown["path", found[1]]), path)
    query = {name: each for (place, name), each in shown.items() if place == "query" and each}
    if query:
        address += f"?{urlencode(query)}"
    parts = [f'curl "$BROKER_URL{address}"']
    if method != "GET":
        parts.append(f"-X {method}")
    if has_body:
        parts += ["-H 'Content-Type: application/json'", "-d @request.json"]
    if operation.get("security") == []:
        return " \\\n  ".join(parts)
    parts.append("-H @- <<END")
    return " \\\n  ".join(parts) + "\nAuthorization: Bearer $BROKER_TOKEN\nEND"


def _named(chapters: Sequence[Chapter], schemas: Schemas) -> set[str]:
    """The models that some member names, and those that theirs name."""
    shapes = [
        shape
        for chapter in chapters
        for operation in chapter.operations
        for shape in (operation.body, operation.answer)
        if shape is not None
    ]
    waiting = [name for shape in shapes for name in _models_in(shape)]
    named: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in named:
            named.add(name)
            waiting += _models_in(_shape(name, schemas, media_type=_JSON, example=None))
    return named


def _models_in(shape: Shape) -> Iterator[str]:
    for member in shape.members:
        yield from (piece.text for piece in member.may_be if piece.kind is Kind.MODEL)


def _label(name: str) -> str:
    """A name of ours as words: `list_api_tokens` is List API tokens."""
    words = [_WRITTEN.get(word, word) for word in re.split("[_-]", name)]
    return " ".join((words[0].capitalize(), *words[1:]))
