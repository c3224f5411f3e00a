"""The sandbox put together: moto behind the gate, our own interface beside it, on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import boto3
from botocore.config import Config

from broker.sandbox.accounts import AccessKeys, Accounts
from broker.sandbox.calls.callers import Authenticator
from broker.sandbox.calls.received import Environ
from broker.sandbox.clock import Clock
from broker.sandbox.cloudformation import topics
from broker.sandbox.cloudformation.answers import StackAnswers
from broker.sandbox.cloudformation.custom_resources import CustomResources
from broker.sandbox.cloudformation.published_certificates import PublishedCertificates
from broker.sandbox.cloudformation.sns_signer import SnsSigner
from broker.sandbox.cloudformation.stacks import CloudFormation
from broker.sandbox.control import PREFIX, Control, HookParts
from broker.sandbox.dispatching import Dispatcher
from broker.sandbox.gate import agreement
from broker.sandbox.gate.enforcement import Gate
from broker.sandbox.http_server import listen
from broker.sandbox.issuers.openid_fetch import IssuerClient
from broker.sandbox.people.site import PeopleSite
from broker.sandbox.services import (
    cloudtrail,
    console_sign_in,
    iam_checks,
    kms,
    sts,
    support,
    web_identity,
)
from broker.sandbox.services.console_sign_in import ConsoleSignIn
from broker.sandbox.services.sts import AssumeRoleService
from broker.sandbox.state import identity_providers, key_owners, managed_policies, policy_delay
from broker.sandbox.state.credentials import CredentialRegister
from broker.sandbox.state.iam_directory import IamDirectory, PolicyCache
from broker.sandbox.state.session_length import SessionLength
from broker.sandbox.trail.history import EventHistory
from broker.sandbox.trail.witness import Witness
from broker.sandbox.web_identity.exchange import WebIdentityService

HOST = "127.0.0.1"

# With these, moto would take the account from the environment instead of from the caller.
_FORBIDDEN_VARIABLES = ("MOTO_ACCOUNT_ID", "MOTO_S3_CUSTOM_ENDPOINTS")


WsgiPart = StackAnswers | PublishedCertificates | ConsoleSignIn | PeopleSite | Control | Gate


class Sandbox:
    """A WSGI application, and the server for it."""

    def __init__(self, *, port: int, role_delay: timedelta = timedelta()) -> None:
        """port: 0 for any free one. role_delay: see `WebIdentityService`."""
        set_variables = [name for name in _FORBIDDEN_VARIABLES if name in os.environ]
        if set_variables:
            raise ValueError(f"Unset {', '.join(set_variables)}: the sandbox must decide this")
        clock = Clock()
        directory = IamDirectory(PolicyCache())
        register = CredentialRegister(clock)
        self._signer = SnsSigner()
        self._answers = StackAnswers()
        self._certificates = PublishedCertificates(self._signer)
        hooks = _hook_parts(self._signer, self._answers, clock)
        witness = Witness(history=EventHistory(), register=register, clock=clock)
        session_length = SessionLength()
        _install(
            directory=directory,
            register=register,
            witness=witness,
            role_delay=role_delay,
            session_length=session_length,
        )
        topics.install(hooks.topics)
        self._console = ConsoleSignIn(register=register, directory=directory, clock=clock)
        self._gate = Gate(
            Dispatcher(),
            authenticator=Authenticator(directory=directory, credentials=register, clock=clock),
            directory=directory,
            clock=clock,
            witness=witness,
        )
        self._people = PeopleSite(clock, url_of=lambda: self.url)
        self._control = Control(
            accounts=Accounts(),
            clock=clock,
            iam_of=self._iam_client,
            hooks=hooks,
            policy_delay=directory.delay,
            session_length=session_length,
            people=self._people,
        )
        self._server = listen(HOST, port, self)
        self._boto = boto3.session.Session()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}"

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        chosen = self._chosen(environ)
        return chosen(environ, start_response)

    def _chosen(self, environ: Environ) -> WsgiPart:
        """By host where AWS has hosts that are no service's endpoint, then by path."""
        host = str(environ.get("HTTP_HOST", ""))
        if self._answers.serves(host):
            return self._answers
        if self._certificates.serves(host):
            return self._certificates
        if environ["PATH_INFO"] == console_sign_in.PATH:
            return self._console
        if self._people.serves(environ["PATH_INFO"]):
            return self._people
        return self._control if environ["PATH_INFO"].startswith(PREFIX) else self._gate

    def serve(self) -> None:
        """Serve until `stop` is called from another thread."""
        self._server.serve_forever()

    def stop(self) -> None:
        self._server.shutdown()

    def _iam_client(self, keys: AccessKeys, region: str) -> Any:
        return self._boto.client(
            "iam",
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            config=Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1}),
        )


def _hook_parts(signer: SnsSigner, answers: StackAnswers, clock: Clock) -> HookParts:
    known = topics.Topics(signer=signer, clock=clock)
    custom = CustomResources(topics=known, answers=answers)
    return HookParts(CloudFormation(custom), known, answers, signer)


def _install(
    *,
    directory: IamDirectory,
    register: CredentialRegister,
    witness: Witness,
    role_delay: timedelta,
    session_length: SessionLength,
) -> None:
    """Change moto, in this process, into what it should be."""
    issuers = IssuerClient()
    agreement.install()
    iam_checks.install()
    identity_providers.install(issuers)
    key_owners.install()
    kms.install()
    managed_policies.install()
    policy_delay.install(directory.note_policies)
    support.install()
    sts.install(AssumeRoleService(directory=directory, register=register))
    cloudtrail.install(witness.history)
    web_identity.install(
        WebIdentityService(
            clock=witness.clock,
            iam=directory,
            register=register,
            issuers=issuers,
            role_delay=role_delay,
            session_length=session_length,
        ),
        witness,
    )
