"""A world in which the broker's process dies at any call to AWS, and what is found afterwards."""

from __future__ import annotations

import itertools
import json
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import boto3
import httpx
import pytest
from botocore.model import OperationModel

from broker import settings
from broker.cli.demo.stage import NAME_PREFIX, PATIENCE, VENDOR_ACCOUNT, Stage
from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile
from broker.domain.canaries import NegativeCanary, negative_canaries
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import chain_of, verify
from broker.errors import Conflict
from broker.sandbox.process import Keys
from broker.services.ambient import utc_now
from broker.services.calls import Call
from broker.services.lifecycle.accounts import NewAccount
from broker.services.lifecycle.reconcile import Depth
from broker.services.observations import Unobserved
from broker.store.journal import Journal
from broker.wiring import Services, build
from keys.rotation import published
from keys.types import KeyState

WORKER = Call(
    caller=Caller(subject="broker:worker", roles=frozenset({Role.ADMIN})),
    request_id="tests",
    source_address="local",
)


class PowerCut(BaseException):
    """The process ends here. No Exception, so that nothing that handles errors sees it."""


class Side(StrEnum):
    """On which side of a call the process dies: AWS has not heard of it yet, or has done it."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """One side of one call, by its number in the run."""

    number: int
    call: str
    side: Side

    def __str__(self) -> str:
        return f"{self.side} {self.call} (call {self.number})"


READING = ("Get", "List", "Describe", "AssumeRole", "Sign")
"""How the names of operations begin that leave AWS as it was."""


@dataclass
class Mains:
    """What the process lives on: hears of each call to AWS, and fails at one of them.

    A dead process leaves what it has changed at AWS and written into the store, and nothing else:
    crash points without a change between them leave the same world, and count as one in `worlds`.
    """

    deadly: CrashPoint | None = None
    is_on: bool = True
    changes: int = 0
    calls: list[str] = field(default_factory=list)
    worlds: dict[int, CrashPoint] = field(default_factory=dict)
    """The first crash point after so many changes."""
    keys_made: list[str] = field(default_factory=list)
    """ARNs of all KMS keys that came to be, whoever lived to record them."""

    def restore(self, deadly: CrashPoint | None = None) -> None:
        """A new process can live, until it comes to `deadly`."""
        self.deadly, self.is_on = deadly, True
        self.changes, self.calls, self.worlds = 0, [], {}

    def require(self) -> None:
        """Raises PowerCut in whatever still runs of a process that is dead."""
        if not self.is_on:
            raise PowerCut

    def before(self, model: OperationModel, **_: object) -> None:
        """A handler of botocore's `before-call`."""
        self.require()
        self.calls.append(f"{model.service_model.endpoint_prefix}:{model.name}")
        self._reach(Side.BEFORE)

    def after(self, model: OperationModel, parsed: Mapping[str, Any], **_: object) -> None:
        """A handler of botocore's `after-call`: AWS has answered, nobody has read it yet."""
        if model.name == "CreateKey":
            self.keys_made.append(parsed["KeyMetadata"]["Arn"])
        if not model.name.startswith(READING):
            self.changes += 1
        self._reach(Side.AFTER)

    def _reach(self, side: Side) -> None:
        point = CrashPoint(len(self.calls), self.calls[-1], side)
        self.worlds.setdefault(self.changes, point)
        if point == self.deadly:
            self.is_on = False
            raise PowerCut


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there is of an account: its record, its IAM, and the keys that were made for it."""

    account: Account
    providers: Mapping[str, object]
    roles: Mapping[str, object]
    key_states: Mapping[str, str]
    """What KMS says of each key that was ever made, recorded or not."""
    names: Mapping[str, Sequence[str]]
    """The aliases of each key that can sign."""

    def __str__(self) -> str:
        """All of it in words that are the same for every account."""
        account = self.account
        text = json.dumps(
            {
                "state": account.state,
                "problem": (account.last_error, account.failures),
                "under way": (account.staging_since, account.rotation_asked_at),
                "recorded keys": sorted(key.state for key in account.keys),
                "keys": sorted(self.key_states.values()),
                "providers": self.providers,
                "roles": self.roles,
            },
            indent=1,
            sort_keys=True,
        )
        text = text.replace(account.issuer_id, "<issuer>").replace(account.account_id, "<account>")
        return re.sub(r"\d{4}-\d{2}-\d{2}T[\d:.]+Z", "<time>", text)

    def assert_nothing_twice_or_ownerless(self) -> None:
        """One provider and two roles, or nothing; the keys that can sign are those in use."""
        gone = self.account.state is AccountState.REMOVED
        assert len(self.providers) == (0 if gone else 1)
        assert len(self.roles) == (0 if gone else 2)
        states = (
            ()
            if gone
            else (
                KeyState.PUBLISHED,
                KeyState.ACTIVE,
                # What was signed just before the switch has to be verified still.
                KeyState.RETIRING,
            )
        )
        in_use = {key.reference.locator for key in self.account.keys if key.state in states}
        assert {arn for arn, state in self.key_states.items() if state == "Enabled"} == in_use
        assert [len(names) for names in self.names.values()] == [1] * len(in_use)


@dataclass(kw_only=True)
class World:
    """Sandbox, store and issuer, which outlive every process that works on accounts here."""

    stage: Stage
    mains: Mains
    watching: Services
    """Of a process that lives on; it sets accounts up, and looks at what others have left."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(600000000001))
    administrators: dict[AccountId, Any] = field(default_factory=dict)
    """The IAM of each account, as its own administrator sees it."""
    session: boto3.Session = field(default_factory=boto3.Session)
    """Without the mains: whoever looks on is alive."""

    def __post_init__(self) -> None:
        self.vendor = self.client("kms", self.stage.sandbox.create_account(VENDOR_ACCOUNT))

    def new_account(self) -> AccountId:
        """A customer's account that the broker has not heard of."""
        account_id = AccountId.parse(str(next(self.numbers)))
        keys = self.stage.sandbox.create_account(account_id)
        self.administrators[account_id] = self.client("iam", keys)
        self.mains.keys_made = []
        return account_id

    @contextmanager
    def process(self, *, ahead: timedelta) -> Iterator[Services]:
        """All services as a new process has them, their clock for accounts so far ahead.

        Tokens are of the present all the same, since AWS's clock cannot be turned.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("broker.wiring.lifecycle.utc_now", lambda: utc_now() + ahead)
            services = build(settings.load(self.stage.environment), Unobserved())
        try:
            yield services
        finally:
            services.close()

    def register(self, services: Services, account_id: AccountId) -> None:
        """As the console does, which takes `already_registered` for done; then the stack."""
        new = NewAccount(
            account_id=account_id,
            customer="Example Ltd",
            payer=Payer.NO,
            profile=Profile.METADATA,
            consent=Consent.STANDING,
        )
        with suppress(Conflict):
            services.accounts.register(new, WORKER)
        self._create_stack(services, account_id)

    def _create_stack(self, services: Services, account_id: AccountId) -> None:
        names = _role_names(self.iam(account_id))
        if not any(name.startswith(f"{NAME_PREFIX}_Management_Role") for name in names):
            url = services.onboarding.launch_url(record(services, account_id))
            self.stage.create_stack({"account_id": account_id, "launch_url": url})

    def await_issuer(self, account_id: AccountId) -> None:
        """Return once the issuer publishes what is recorded: it reads the store in turns.

        Here hours pass in no time, in which it would have done so.
        """
        account = record(self.watching, account_id)
        recorded = {key.kid for key in published(account.keys)}
        deadline = time.monotonic() + PATIENCE
        while recorded != _published_kids(account.issuer):
            assert time.monotonic() < deadline, "the issuer does not follow the store"
            time.sleep(0.02)

    def iam(self, account_id: AccountId) -> Any:
        """The account's IAM, as its own administrator sees it."""
        return self.administrators[account_id]

    def client(self, service: str, keys: Keys) -> Any:
        """A client with somebody's own keys."""
        return self.session.client(
            service,  # type: ignore[call-overload]
            region_name="us-east-1",
            endpoint_url=self.stage.sandbox.url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )

    def found(self, account_id: AccountId) -> Found:
        """Everything there is of the account now."""
        iam = self.iam(account_id)
        described = (self.vendor.describe_key(KeyId=arn) for arn in self.mains.keys_made)
        states = {key["KeyMetadata"]["Arn"]: key["KeyMetadata"]["KeyState"] for key in described}
        return Found(
            account=record(self.watching, account_id),
            providers=_providers(iam),
            roles={
                name: _role(iam, name)
                for name in _role_names(iam)
                if name.startswith(f"{NAME_PREFIX}-")
            },
            key_states=states,
            names={
                arn: [alias["AliasName"] for alias in self._aliases(arn)]
                for arn, state in states.items()
                if state == "Enabled"
            },
        )

    def _aliases(self, arn: str) -> Sequence[Mapping[str, str]]:
        aliases: Sequence[Mapping[str, str]] = self.vendor.list_aliases(KeyId=arn)["Aliases"]
        return aliases

    def assert_chain_verifies(self, account_id: AccountId) -> None:
        """The account's ledger is whole."""
        chain, journal = chain_of(account_id), self.watching.store.journal
        entries = journal.entries(chain, after=0, limit=1000)
        assert verify(entries, chain=chain) == journal.head(chain)


def _published_kids(issuer: str) -> set[str]:
    discovery = httpx.get(f"{issuer}/.well-known/openid-configuration", trust_env=False)
    jwks = httpx.get(discovery.raise_for_status().json()["jwks_uri"], trust_env=False)
    return {key["kid"] for key in jwks.raise_for_status().json()["keys"]}


def _role_names(iam: Any) -> list[str]:
    return [role["RoleName"] for role in iam.list_roles()["Roles"]]


def _providers(iam: Any) -> dict[str, object]:
    found: dict[str, object] = {}
    for listed in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=listed["Arn"])
        found[listed["Arn"]] = [provider["ClientIDList"], _tags(provider["Tags"])]
    return found


def _role(iam: Any, name: str) -> dict[str, object]:
    role = iam.get_role(RoleName=name)["Role"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {
        "trust": role["AssumeRolePolicyDocument"],
        "boundary": role["PermissionsBoundary"]["PermissionsBoundaryArn"],
        "longest session": role["MaxSessionDuration"],
        "description": role["Description"],
        "tags": _tags(role["Tags"]),
        "attached": sorted(policy["PolicyArn"] for policy in attached),
        "inline": {
            policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        },
    }


def _tags(found: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found}


def record(services: Services, account_id: AccountId) -> Account:
    """The account as it is stored."""
    stored = services.store.accounts.get(account_id)
    assert stored is not None
    return stored.record


def work(services: Services, account_id: AccountId) -> None:
    """What the worker does when an account is due."""
    services.reconcile.run(account_id, WORKER, depth=Depth.FULL)


def one_negative_canary(**asked: Any) -> tuple[NegativeCanary, ...]:
    """The first of them stands for all: none writes anything, so a crash at each is the same."""
    return tuple(negative_canaries(**asked))[:1]


@contextmanager
def on_mains(stage: Stage) -> Iterator[World]:
    """The world, with all AWS clients of the broker in this process on the mains."""
    mains = Mains()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stage.environment.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        # One session and one set of roots for all processes: they take longest to make, and
        # remember nothing.
        session = boto3.Session(region_name="us-east-1")
        session.events.register("before-call", mains.before)
        session.events.register("after-call", mains.after)
        patch.setattr("broker.aws.clients.boto3", SimpleNamespace(Session=lambda **_: session))
        for module in ("clients", "partitions"):
            patch.setattr(f"broker.aws.{module}.get_session", lambda: session._session)
        trusted = ssl.create_default_context()
        patch.setattr(ssl, "create_default_context", lambda **_: trusted)
        patch.setattr("broker.services.lifecycle.canaries.negative_canaries", one_negative_canary)
        patch.setattr(Journal, "record", _mortal(Journal.record, mains))
        watching = build(settings.load(stage.environment), Unobserved())
        yield World(stage=stage, mains=mains, watching=watching)
        watching.close()


def _mortal(write: Callable[..., Any], mains: Mains) -> Callable[..., Any]:
    """Whatever runs on the way out of a dead process, it writes nothing down."""

    def write_while_alive(*given: Any, **named: Any) -> Any:
        mains.require()
        written = write(*given, **named)
        mains.changes += 1
        return written

    return write_while_alive
