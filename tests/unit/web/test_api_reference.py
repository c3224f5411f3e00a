"""`/docs`: what `/openapi.json` says, for people, and nothing that a browser trips over."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from broker.web import openapi
from broker.web.api import APIS, PUBLIC_APIS
from broker.web.pages import assets, showing
from broker.web.reference import page
from broker.web.reference.tree import Operation, read
from broker.web.reference.words import Kind, what_it_may_be
from tests.integration.pages.document import Document

DOCUMENT: Any = openapi.document((*APIS, *PUBLIC_APIS), version="tests")
REFERENCE = read(DOCUMENT)
OPERATIONS = [each for chapter in REFERENCE.chapters for each in chapter.operations]
CREDENTIAL = "brk_s3cret"

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.id)


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """Whoever reads the page."""
    app = Flask("broker", static_folder=None, template_folder="web/templates")
    assets.register(app)
    showing.register(app)
    page.register(app, DOCUMENT)
    return app.test_client()


@pytest.fixture(scope="module")
def html(client: FlaskClient) -> str:
    """The page itself."""
    return client.get(page.PATH).text


def told(schema: Any, schemas: Any = None) -> str:
    """What a value may be, as one sentence."""
    return "".join(piece.text for piece in what_it_may_be(schema, schemas or {}))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "maxLength": 500}, "text, at most 500 characters"),
        ({"type": "string", "minLength": 1, "maxLength": 9}, "text, 1 to 9 characters"),
        ({"type": "string", "pattern": "^[0-9]{12}$"}, "text that matches [0-9]{12}"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({"type": "integer", "minimum": 900, "maximum": 1000}, "whole number, 900 to 1000"),
        ({"type": "integer", "minimum": 0}, "whole number, at least 0"),
        ({"type": "boolean"}, "true or false"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "whole number or null"),
        ({"enum": ["read", "case"]}, "one of read, case"),
        ({"const": True}, "true"),
        (
            {"type": "array", "items": {"type": "string"}, "maxItems": 9},
            "list of text, at most 9 items",
        ),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of text"),
        ({}, "anything"),
    ],
)
def test_what_a_value_may_be_is_said_in_words(schema: Any, words: str) -> None:
    """Type and limits, for people who do not read JSON Schema."""
    assert told(schema) == words


def test_models_are_named_and_enums_spelt_out() -> None:
    """A model is described once, elsewhere; what has no members is described where it stands."""
    schemas = {"Key": {"properties": {}}, "State": {"enum": ["on", "off"]}}
    listed = {"type": "array", "items": {"$ref": "#/components/schemas/Key"}}
    pieces = what_it_may_be(listed, schemas)
    assert [(each.text, each.kind) for each in pieces] == [
        ("list of ", Kind.TEXT),
        ("Key", Kind.MODEL),
    ]
    assert told({"$ref": "#/components/schemas/State"}, schemas) == "one of on, off"


def test_every_operation_is_there_once() -> None:
    """In the chapter of its subject."""
    names = {
        operation["operationId"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
    }
    assert sorted(each.id for each in OPERATIONS) == sorted(names)


@each_operation
def test_an_operation_shows_what_is_sent_and_answered(operation: Operation) -> None:
    """Members, an example of each, and the codes by which it may fail."""
    if operation.body is not None:
        assert operation.body.members
        assert json.loads(operation.body.example or "")
    if operation.answer is not None:
        assert operation.answer.example
    if not operation.public:
        assert "unauthenticated" in {problem.code for problem in operation.problems}


@each_operation
def test_the_command_line_asks_what_it_is_the_example_of(
    operation: Operation, tmp_path: Path
) -> None:
    """Run by a shell; the credential stands in no argument, where every user could read it."""
    called = tmp_path / "curl"
    called.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > arguments\ncat > input\n')
    called.chmod(0o700)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "BROKER_URL": "https://broker.example.com",
        "BROKER_TOKEN": CREDENTIAL,
    }
    subprocess.run(
        ["sh", "-euc", operation.curl],
        cwd=tmp_path,
        env=environment,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    arguments = (tmp_path / "arguments").read_text()
    sent = (tmp_path / "input").read_text()
    assert CREDENTIAL not in arguments
    assert sent == ("" if operation.public else f"Authorization: Bearer {CREDENTIAL}\n")
    method = re.search(r"^-X\n(.*)$", arguments, re.MULTILINE)
    assert (method[1] if method else "GET") == operation.method
    path = re.escape(operation.path).replace(r"\{", "{").replace(r"\}", "}")
    pattern = re.sub(r"{\w+}", "[^/{}]+", path)
    assert re.match(rf"https://broker\.example\.com{pattern}(\?\S+)?\n", arguments)
    assert ("@request.json" in arguments) == (operation.body is not None)


def test_the_page_is_whole(html: str) -> None:
    """Every operation has its place, every id is one, and every link leads somewhere."""
    document = Document(html)
    ids = [attributes["id"] for _, attributes in document.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {each.id for each in OPERATIONS} | {m.model for m in REFERENCE.models} <= set(ids)
    addresses = {link.address for link in document.links}
    assert {each[1:] for each in addresses if each.startswith("#")} <= set(ids)
    assert "/openapi.json" in addresses
    assert [text for level, text in document.headings if level == 1] == ["API"]


def test_nothing_in_the_page_runs_or_comes_from_elsewhere(html: str, client: FlaskClient) -> None:
    """No script or style within it, no address of another host, and a policy that says so."""
    document = Document(html)
    for name, attributes in document.tags:
        assert not {key for key in attributes if key == "style" or key.startswith("on")}
        source = attributes.get("src") or attributes.get("href") or "/"
        assert name == "a" or source.startswith(("/", "#"))
    assert not re.search(r"<style|<script(?![^>]* src=)", html)
    policy = client.get(page.PATH).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
