"""The sandbox's own interface under /_sandbox/: what is not AWS's API, in plain JSON.

GET /_sandbox/health · POST /_sandbox/accounts · POST /_sandbox/stacks ·
GET and DELETE /_sandbox/stacks/<account id>/<stack name> · PUT /_sandbox/clock.
Unauthenticated: it listens on a loopback address and is a development tool.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from threading import Lock
from typing import Any

from broker.sandbox.accounts import AccessKeys, Accounts, ControlError
from broker.sandbox.answers import Refusal
from broker.sandbox.clock import Clock
from broker.sandbox.received import Environ, ReceivedRequest
from broker.sandbox.stacks import Stack, StackRequest, create_stack
from broker.sandbox.template import TemplateError

PREFIX = "/_sandbox/"

IamOf = Callable[[AccessKeys, str], Any]
"""From keys and a Region to a boto3 IAM client of this sandbox."""

Reply = tuple[int, Mapping[str, Any]]


class Control:
    """A WSGI application; it remembers the stacks it made."""

    def __init__(self, *, accounts: Accounts, clock: Clock, iam_of: IamOf) -> None:
        self._accounts = accounts
        self._clock = clock
        self._iam_of = iam_of
        self._stacks: dict[tuple[str, str], Stack] = {}
        self._lock = Lock()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        try:
            status, reply = self._answer(environ)
        except (ControlError, TemplateError, Refusal) as error:
            status, reply = 400, {"error": str(error)}
        except Exception as error:  # the outermost edge of this interface
            traceback.print_exc(file=sys.stderr)
            status, reply = 500, {"error": f"The sandbox failed: {type(error).__name__}"}
        body = json.dumps(reply).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        start_response(f"{status} {'OK' if status < 300 else 'Refused'}", headers)
        return [body]

    def _answer(self, environ: Environ) -> Reply:
        parts = environ["PATH_INFO"].removeprefix(PREFIX).split("/")
        body = ReceivedRequest.read(environ).body
        match environ["REQUEST_METHOD"], *parts:
            case "GET", "health":
                return 200, {"status": "ok", "now": self._clock.now().isoformat()}
            case "POST", "accounts":
                return self._create_account(_fields(body))
            case "POST", "stacks":
                return self._create_stack(_fields(body))
            case "GET", "stacks", account_id, name:
                return self._describe_stack(account_id, name)
            case "DELETE", "stacks", account_id, name:
                return self._delete_stack(account_id, name)
            case "PUT", "clock":
                return self._set_clock(_fields(body))
        return 404, {"error": "There is no such thing under /_sandbox/."}

    def _create_account(self, fields: Mapping[str, Any]) -> Reply:
        _only(fields, {"account_id", "partition", "policy"})
        keys = self._accounts.create(
            _text(fields, "account_id"),
            partition=_text(fields, "partition", "aws"),
            policy=fields.get("policy"),
        )
        return 201, asdict(keys)

    def _create_stack(self, fields: Mapping[str, Any]) -> Reply:
        _only(
            fields,
            {"account_id", "partition", "region", "stack_name", "template", "parameters"},
        )
        request = StackRequest(
            account_id=_text(fields, "account_id"),
            partition=_text(fields, "partition", "aws"),
            region=_text(fields, "region", "us-east-1"),
            name=_text(fields, "stack_name"),
            template=_text(fields, "template"),
            parameters=_texts(fields, "parameters"),
        )
        key = (request.account_id, request.name)
        with self._lock:
            if key in self._stacks:
                raise ControlError(f"Stack {request.name} exists already")
            admin = self._accounts.admin(request.account_id, request.partition)
            stack = create_stack(request, self._iam_of(admin, request.region))
            self._stacks[key] = stack
        return 201, _described(stack)

    def _describe_stack(self, account_id: str, name: str) -> Reply:
        with self._lock:
            stack = self._stacks.get((account_id, name))
        return (200, _described(stack)) if stack else _no_stack(name)

    def _delete_stack(self, account_id: str, name: str) -> Reply:
        with self._lock:
            stack = self._stacks.pop((account_id, name), None)
            if stack is None:
                return _no_stack(name)
            stack.delete()
        return 200, {"stack_id": stack.stack_id}

    def _set_clock(self, fields: Mapping[str, Any]) -> Reply:
        _only(fields, {"offset_seconds"})
        offset = fields.get("offset_seconds")
        if not isinstance(offset, int | float) or isinstance(offset, bool):
            raise ControlError("offset_seconds must be a number")
        self._clock.set_offset(timedelta(seconds=offset))
        return 200, {"now": self._clock.now().isoformat()}


def _described(stack: Stack) -> Mapping[str, Any]:
    return {
        "stack_id": stack.stack_id,
        "stack_name": stack.name,
        "outputs": dict(stack.outputs),
        "resources": [
            {"logical_id": each.logical_id, "type": each.type, "physical_id": each.physical_id}
            for each in stack.resources
        ],
        "custom_resources": [asdict(each) for each in stack.custom_resources],
    }


def _no_stack(name: str) -> Reply:
    return 404, {"error": f"There is no stack {name} in this account."}


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise ControlError("The body must be JSON") from error
    if not isinstance(fields, dict):
        raise ControlError("The body must be a JSON object")
    return fields


def _only(fields: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(fields) - known)
    if unknown:
        raise ControlError(
            f"Unknown field {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )


def _text(fields: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise ControlError(f"{name} must be a string")
    return value


def _texts(fields: Mapping[str, Any], name: str) -> Mapping[str, str]:
    value = fields.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ControlError(f"{name} must be an object of strings")
    return value
