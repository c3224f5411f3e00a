"""The sandbox's own interface under /_sandbox/: what is not AWS's API, in plain JSON.

GET /_sandbox/health · POST /_sandbox/accounts · POST /_sandbox/topics · POST /_sandbox/stacks ·
GET, PUT and DELETE /_sandbox/stacks/<account id>/<stack name> · PUT /_sandbox/clock ·
GET /_sandbox/sns-ca.pem · PUT /_sandbox/stack-answers · PUT /_sandbox/policy-delay ·
PUT /_sandbox/people · PUT /_sandbox/session-length.
Unauthenticated: it listens on a loopback address and is a development tool.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import Any

from broker.sandbox.accounts import AccessKeys, Accounts, ControlError
from broker.sandbox.calls.answers import Refusal
from broker.sandbox.calls.received import Environ, ReceivedRequest
from broker.sandbox.clock import Clock
from broker.sandbox.cloudformation.answers import StackAnswers
from broker.sandbox.cloudformation.sns_signer import SnsSigner
from broker.sandbox.cloudformation.stacks import CloudFormation, Stack, StackRequest
from broker.sandbox.cloudformation.template import TemplateError
from broker.sandbox.cloudformation.topics import Topics
from broker.sandbox.control_fields import count, fields_of, number, only, text, texts
from broker.sandbox.people.organisation import Organisation
from broker.sandbox.people.site import PeopleSite
from broker.sandbox.state.policy_delay import PolicyDelay
from broker.sandbox.state.session_length import SessionLength

PREFIX = "/_sandbox/"

IamOf = Callable[[AccessKeys, str], Any]
"""From keys and a Region to a boto3 IAM client of this sandbox."""

Reply = tuple[int, Mapping[str, Any]]
_NOTHING: Reply = (404, {"error": "There is no such thing under /_sandbox/."})

Key = tuple[str, str]
"""Account id and name of a stack."""


@dataclass(frozen=True)
class HookParts:
    """What custom resources need."""

    cloudformation: CloudFormation
    topics: Topics
    answers: StackAnswers
    signer: SnsSigner


class Control:
    """A WSGI application; it remembers the stacks it made."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        clock: Clock,
        iam_of: IamOf,
        hooks: HookParts,
        policy_delay: PolicyDelay,
        session_length: SessionLength,
        people: PeopleSite,
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._iam_of = iam_of
        self._hooks = hooks
        self._policy_delay = policy_delay
        self._session_length = session_length
        self._people = people
        self._parts: Mapping[str, Callable[[Mapping[str, Any]], Reply]] = {
            "clock": self._set_clock,
            "policy-delay": self._delay_policies,
            "session-length": self._shorten_sessions,
            "stack-answers": self._refuse_answers,
        }
        self._stacks: dict[tuple[str, str], Stack] = {}
        self._busy: set[tuple[str, str]] = set()
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
                return self._create_account(fields_of(body))
            case "POST", "topics":
                return self._subscribe(fields_of(body))
            case "GET", "sns-ca.pem":
                return 200, {"pem": self._hooks.signer.anchors_pem.decode()}
            case "PUT", part if part in self._parts:
                return self._parts[part](fields_of(body))
            case "PUT", "people":
                return 200, {"issuer": self._people.open(Organisation.parse(body))}
            case method, "stacks", *stack:
                return self._answer_for_stacks(method, stack, body)
        return _NOTHING

    def _answer_for_stacks(self, method: str, stack: Sequence[str], body: bytes) -> Reply:
        match method, *stack:
            case ("POST",):
                return self._create_stack(fields_of(body))
            case "GET", account_id, name:
                return self._describe_stack((account_id, name))
            case "PUT", account_id, name:
                return self._update_stack((account_id, name), fields_of(body))
            case "DELETE", account_id, name:
                return self._delete_stack((account_id, name))
        return _NOTHING

    def _create_account(self, fields: Mapping[str, Any]) -> Reply:
        only(fields, {"account_id", "partition", "policy"})
        keys = self._accounts.create(
            text(fields, "account_id"),
            partition=text(fields, "partition", "aws"),
            policy=fields.get("policy"),
        )
        return 201, asdict(keys)

    def _create_stack(self, fields: Mapping[str, Any]) -> Reply:
        only(
            fields,
            {"account_id", "partition", "region", "stack_name", "template", "parameters"},
        )
        request = StackRequest(
            account_id=text(fields, "account_id"),
            partition=text(fields, "partition", "aws"),
            region=text(fields, "region", "us-east-1"),
            name=text(fields, "stack_name"),
            template=text(fields, "template"),
            parameters=texts(fields, "parameters"),
        )
        key = (request.account_id, request.name)
        with self._alone_with(key):
            if key in self._stacks:
                raise ControlError(f"Stack {request.name} exists already")
            stack = self._hooks.cloudformation.create(request, self._iam(request))
            self._stacks[key] = stack
        return 201, _described(stack)

    def _update_stack(self, key: Key, fields: Mapping[str, Any]) -> Reply:
        only(fields, {"template", "parameters"})
        with self._alone_with(key):
            stack = self._stacks.get(key)
            if stack is None:
                return _no_stack(key[1])
            request = replace(
                stack.request,
                template=text(fields, "template", stack.request.template),
                parameters=texts(fields, "parameters"),
            )
            iam = self._iam(request)
            self._stacks[key] = self._hooks.cloudformation.update(stack, request, iam)
        return 200, _described(self._stacks[key])

    def _iam(self, request: StackRequest) -> Any:
        admin = self._accounts.admin(request.account_id, request.partition)
        return self._iam_of(admin, request.region)

    @contextmanager
    def _alone_with(self, key: Key) -> Iterator[None]:
        """One at a time for a stack: its hook may take long, and other stacks do not wait."""
        with self._lock:
            if key in self._busy:
                raise ControlError(f"Stack {key[1]} is being worked on")
            self._busy.add(key)
        try:
            yield
        finally:
            self._busy.discard(key)

    def _describe_stack(self, key: Key) -> Reply:
        stack = self._stacks.get(key)
        return (200, _described(stack)) if stack else _no_stack(key[1])

    def _delete_stack(self, key: Key) -> Reply:
        with self._alone_with(key):
            stack = self._stacks.get(key)
            if stack is None:
                return _no_stack(key[1])
            self._hooks.cloudformation.delete(stack, self._iam(stack.request))
            del self._stacks[key]
        return 200, {"stack_id": stack.identity.stack_id}

    def _subscribe(self, fields: Mapping[str, Any]) -> Reply:
        only(fields, {"arn", "endpoint", "deliveries"})
        deliveries = count(fields, "deliveries", 1)
        self._hooks.topics.subscribe(
            text(fields, "arn"), text(fields, "endpoint"), deliveries=deliveries
        )
        return 201, {"arn": fields["arn"]}

    def _refuse_answers(self, fields: Mapping[str, Any]) -> Reply:
        only(fields, {"refuse"})
        self._hooks.answers.refuse(count(fields, "refuse", 0))
        return 200, {"refuse": fields.get("refuse", 0)}

    def _set_clock(self, fields: Mapping[str, Any]) -> Reply:
        only(fields, {"offset_seconds"})
        self._clock.set_offset(timedelta(seconds=number(fields, "offset_seconds")))
        return 200, {"now": self._clock.now().isoformat()}

    def _delay_policies(self, fields: Mapping[str, Any]) -> Reply:
        only(fields, {"seconds"})
        self._policy_delay.seconds = seconds = number(fields, "seconds", least=0)
        return 200, {"seconds": seconds}

    def _shorten_sessions(self, fields: Mapping[str, Any]) -> Reply:
        only(fields, {"seconds"})
        unbounded = fields.get("seconds") is None
        seconds = None if unbounded else number(fields, "seconds", least=1)
        self._session_length.longest = None if seconds is None else timedelta(seconds=seconds)
        return 200, {"seconds": seconds}


def _described(stack: Stack) -> Mapping[str, Any]:
    return {
        "stack_id": stack.identity.stack_id,
        "stack_name": stack.identity.name,
        "outputs": dict(stack.outputs),
        "resources": [
            {"logical_id": each.logical_id, "type": each.type, "physical_id": each.physical_id}
            for each in stack.resources
        ],
        "custom_resources": [
            {
                "logical_id": each.logical_id,
                "type": each.type,
                "service_token": each.properties["ServiceToken"],
                "properties": each.properties,
                "physical_id": each.physical_id,
                "data": dict(each.attributes),
            }
            for each in stack.custom_resources
        ],
    }


def _no_stack(name: str) -> Reply:
    return 404, {"error": f"There is no stack {name} in this account."}
