"""The gate before moto: every call is authenticated and authorised here, or it does not pass.

moto's own authorization is not used (it is wrong in several places); it only has to carry out
the operation that the gate allowed, which `agreement.py` holds it to.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from broker.sandbox.calls.answers import Answer, Failure, Protocol, Refusal, render
from broker.sandbox.calls.callers import Authenticator, Caller, iso
from broker.sandbox.calls.operations import Operation, identify, protocol_of
from broker.sandbox.calls.received import Environ, ReceivedRequest
from broker.sandbox.calls.signature import Authorization
from broker.sandbox.clock import Clock
from broker.sandbox.needs.services import needs_of
from broker.sandbox.needs.types import Need, UnmappedOperationError
from broker.sandbox.policy.evaluation import (
    AuthorizationRequest,
    Decision,
    Denied,
    PolicyError,
    Reason,
    evaluate,
)
from broker.sandbox.policy.patterns import Context
from broker.sandbox.state.iam_directory import AttachedPolicies, IamDirectory
from broker.sandbox.trail.witness import Witness, error_code_in

ADMITTED = "broker.sandbox.admitted"
"""Where the gate leaves its `Admission` in the environ."""

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
# moto's own control interface and its instance metadata are no part of this AWS.
_NOT_AWS = ("/moto-api", "/latest/meta-data/", "/latest/api/", "/favicon.ico")


@dataclass(frozen=True)
class Admission:
    """What the gate found: the caller (None for an unsigned call) and the operation it allowed.

    context: the condition keys of the call that do not depend on the service.
    """

    caller: Caller | None
    operation: Operation
    context: Context = field(default_factory=dict)


class Gate:
    """WSGI middleware; `app` is moto."""

    def __init__(
        self,
        app: Any,
        *,
        authenticator: Authenticator,
        directory: IamDirectory,
        clock: Clock,
        witness: Witness,
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._directory = directory
        self._clock = clock
        self._witness = witness

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        try:
            return self._answer(environ, start_response)
        except Exception:  # the outermost edge: moto may raise anything
            traceback.print_exc(file=sys.stderr)
            failed = Answer(500, "text/plain", "The sandbox failed.", "InternalFailure")
            return _send(failed, environ, start_response)

    def _answer(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        refused = self._refusal(environ)
        if refused is not None:
            return _send(refused, environ, start_response)
        operation = environ[ADMITTED].operation
        statuses: list[str] = []

        def start(status: str, *rest: Any) -> Any:
            statuses.append(status)
            return start_response(status, *rest)

        try:
            body = list(self._app(environ, start))
        except NotImplementedError:
            text = f"The sandbox has no {operation.service}:{operation.name}"
            missing = render(Refusal(Failure.NOT_IMPLEMENTED, text), operation.protocol)
            return _send(missing, environ, start_response)
        self._tell(environ, error_code_in(statuses[-1], b"".join(body)))
        return body

    def _tell(self, environ: Environ, error_code: str | None) -> None:
        """Let the trail have what came of a call that was let through."""
        admission = environ[ADMITTED]
        if admission.caller is not None:
            self._witness.saw_call(
                admission.caller,
                admission.operation,
                source_ip=str(environ.get("REMOTE_ADDR", "")),
                error_code=error_code,
            )

    def _refusal(self, environ: Environ) -> Answer | None:
        """None if the request may go on, with its admission left in the environ."""
        protocol = Protocol.REST_JSON
        try:
            request = ReceivedRequest.read(environ)
            _check_target(environ)
            protocol = protocol_of(request, None)
            header = request.headers.get("authorization")
            if header is None:
                admission = _admit_unsigned(request, environ)
            else:
                authorization = Authorization.parse(header)
                protocol = protocol_of(request, authorization.service)
                admission = self._admit(request, authorization, environ)
        except Refusal as refusal:
            return render(refusal, protocol)
        _prepare_for_moto(environ, admission)
        return None

    def _admit(
        self, request: ReceivedRequest, authorization: Authorization, environ: Environ
    ) -> Admission:
        caller = self._authenticator.authenticate(request, authorization)
        operation = identify(
            request,
            environ,
            service=authorization.service,
            region=authorization.region,
            account_id=caller.account_id,
        )
        context = self._global_context(caller, operation, environ)
        try:
            self._authorize(caller, operation, context)
        except Refusal as refusal:
            self._witness.saw_call(
                caller,
                operation,
                source_ip=str(environ.get("REMOTE_ADDR", "")),
                error_code=render(refusal, operation.protocol).error_code,
            )
            raise
        return Admission(caller, operation, context)

    def _authorize(self, caller: Caller, operation: Operation, context: Context) -> None:
        try:
            needs = needs_of(operation, caller.arn, self._directory)
        except UnmappedOperationError as error:
            need = Need(f"{operation.service}:{operation.name or 'Unknown'}", None)
            raise _unauthorized(caller, need, Reason.UNKNOWN_OPERATION) from error
        if not needs:
            return
        try:
            policies = caller.policies(self._directory)
        except PolicyError as error:
            raise _unauthorized(caller, needs[0], Reason.UNREADABLE_POLICY) from error
        for need in needs:
            decision = decide(caller, policies, need, context)
            if isinstance(decision, Denied):
                raise _unauthorized(caller, need, decision.reason)

    def _global_context(self, caller: Caller, operation: Operation, environ: Environ) -> Context:
        """The condition keys that do not depend on the service."""
        now = self._clock.now()
        return {
            **caller.context(),
            "aws:CurrentTime": iso(now),
            "aws:EpochTime": str(int(now.timestamp())),
            "aws:PrincipalIsAWSService": "false",
            "aws:RequestedRegion": operation.region,
            # The sandbox plays AWS's endpoints, of which every one speaks TLS.
            "aws:SecureTransport": "true",
            "aws:SourceIp": str(environ.get("REMOTE_ADDR", "127.0.0.1")),
            "aws:UserAgent": str(environ.get("HTTP_USER_AGENT", "")),
            "aws:ViaAWSService": "false",
        }


def decide(
    caller: Caller,
    policies: AttachedPolicies,
    need: Need,
    context: Context,
) -> Decision:
    """One permission, against everything that binds the caller."""
    request = AuthorizationRequest(need.action, need.resource, {**context, **need.context})
    return evaluate(
        request,
        identity=policies.identity,
        boundary=policies.boundary,
        session=caller.session.attributes.policies if caller.session else None,
    )


def _check_target(environ: Environ) -> None:
    """Only loopback names are served: moto would pick its service by any other host."""
    host = str(environ.get("HTTP_HOST", "")).rpartition(":")[0] or environ.get("HTTP_HOST")
    if host not in _LOOPBACK_HOSTS:
        raise Refusal(Failure.NOT_SERVED, f"The sandbox serves {' and '.join(_LOOPBACK_HOSTS)}.")
    if str(environ["RAW_URI"]).startswith(_NOT_AWS) or environ["PATH_INFO"].startswith(_NOT_AWS):
        raise Refusal(Failure.NOT_SERVED, "This is no part of AWS.")


def _admit_unsigned(request: ReceivedRequest, environ: Environ) -> Admission:
    """AssumeRoleWithWebIdentity, in a form in the body, is the only call without a signature."""
    operation = identify(request, environ, service="sts", region="us-east-1", account_id="")
    if (
        operation.name != "AssumeRoleWithWebIdentity"
        or operation.protocol is not Protocol.QUERY
        or not request.is_form
        or request.query
    ):
        raise Refusal(Failure.MISSING_AUTHENTICATION, "Request is missing Authentication Token")
    return Admission(None, operation)


def _prepare_for_moto(environ: Environ, admission: Admission) -> None:
    """moto takes the account from a header and the Region from the user agent: settle both."""
    environ[ADMITTED] = admission
    environ.pop("HTTP_X_MOTO_ACCOUNT_ID", None)
    if admission.operation.account_id:
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = admission.operation.account_id
    environ["HTTP_USER_AGENT"] = "broker.sandbox"


def _unauthorized(caller: Caller, need: Need, reason: Reason) -> Refusal:
    resource = f" on resource: {need.resource}" if need.resource not in (None, "*") else ""
    why = reason.value.format(action=need.action)
    return Refusal(
        Failure.UNAUTHORIZED,
        f"User: {caller.arn} is not authorized to perform: {need.action}{resource} {why}",
    )


def _send(answer: Answer, environ: Environ, start_response: Any) -> Iterable[bytes]:
    body = b"" if environ.get("REQUEST_METHOD") == "HEAD" else answer.body.encode()
    headers = [
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(body))),
        ("x-amzn-ErrorType", answer.error_code),
    ]
    start_response(f"{answer.status} {answer.error_code}", headers)
    return [body]
