"""Who may do what: one table of role and action, with the condition under which it holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from broker.domain.identifiers import AccountId


class Role(StrEnum):
    """What a caller is. `customer` is bound to the accounts that its token names."""

    ENGINEER = "engineer"
    APPROVER = "approver"
    CUSTOMER = "customer"
    CONSOLE = "console"
    BREAK_GLASS = "break_glass"
    """May give itself a grant, in the open, where there is no time to ask for one."""
    AUDITOR = "auditor"
    ADMIN = "admin"


class Action(StrEnum):
    """Everything the API can be asked to do."""

    REGISTER_ACCOUNT = "accounts:register"
    READ_ACCOUNT = "accounts:read"
    ONBOARD_ACCOUNT = "accounts:onboard"
    """Having the ExternalId and the launch link: whoever knows them can speak for the stack."""
    CHANGE_ACCOUNT = "accounts:change"
    CHANGE_CONSENT = "accounts:consent"
    CHANGE_CHECKPOINT_BUCKET = "accounts:checkpoint-bucket"
    RECONCILE_ACCOUNT = "accounts:reconcile"
    REMOVE_ACCOUNT = "accounts:remove"
    REVOKE_ACCOUNT = "accounts:revoke"
    DIAGNOSE_ACCOUNT = "accounts:diagnose"
    PROVE_ACCOUNT = "accounts:prove"
    ROTATE_KEYS = "accounts:rotate-keys"
    WRITE_TICKET = "tickets:write"
    READ_TICKET = "tickets:read"
    REQUEST_GRANT = "grants:request"
    BREAK_GLASS = "grants:break-glass"
    READ_GRANT = "grants:read"
    DECIDE_GRANT = "grants:decide"
    """Approving or denying a request; never one's own, whatever the roles."""
    OFFER_APPROVAL = "grants:offer-approval"
    """Making a link through which somebody who may decide does so."""
    REVOKE_GRANT = "grants:revoke"
    OPEN_SESSION = "sessions:open"
    OPEN_CONSOLE = "sessions:console"
    """Signing in to the AWS console as a session."""
    READ_SESSION = "sessions:read"
    READ_ACTIVITY = "sessions:activity"
    REVOKE_SESSION = "sessions:revoke"
    REVOKE_MANY = "revocations:create"
    """Ending what an engineer has, what a ticket led to, or everything there is."""
    READ_LEDGER = "ledger:read"
    SIGN_LEDGER = "ledger:sign"
    RECONCILE_LEDGER = "ledger:reconcile"
    ARCHIVE_LEDGER = "ledger:archive"
    MANAGE_API_TOKENS = "tokens:manage"
    READ_SELF = "me:read"


class Condition(StrEnum):
    """Under which condition a role may do something."""

    ALWAYS = "always"
    BOUND_ACCOUNT = "bound account"
    """Only for accounts that the caller's token names."""
    OWN = "own"
    """Only for what belongs to the caller as an engineer."""
    ASSIGNED = "assigned ticket"
    """Only for tickets that are assigned to the caller, or to nobody in particular."""


class EstablishedBy(StrEnum):
    """How it was found out who is calling."""

    BROWSER = "browser"
    """A session in a browser, which began at the organisation's OpenID provider."""
    IDENTITY_TOKEN = "identity_token"  # noqa: S105 - the name of a kind, not a secret
    """The provider's own word, as a bearer."""
    API_TOKEN = "api_token"  # noqa: S105 - the name of a kind, not a secret
    PROCESS = "process"
    """Nobody calls from outside: the broker itself, or the operator at the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling, as authentication established it.

    `account_ids` bounds the caller to these accounts; empty is no bound, except for a customer,
    who without one has no account at all.
    """

    subject: str
    roles: frozenset[Role]
    account_ids: frozenset[AccountId] = frozenset()
    api_token_id: str | None = None
    established_by: EstablishedBy = EstablishedBy.PROCESS
    until: datetime | None = None
    """When that which establishes the caller ends, if it does."""


_ALWAYS, _BOUND = Condition.ALWAYS, Condition.BOUND_ACCOUNT
_OWN, _ASSIGNED = Condition.OWN, Condition.ASSIGNED
_R = Role

PERMITTED: Mapping[Action, Mapping[Role, Condition]] = {
    Action.REGISTER_ACCOUNT: {_R.CONSOLE: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.READ_ACCOUNT: {
        _R.ENGINEER: _ALWAYS,
        _R.APPROVER: _ALWAYS,
        _R.CUSTOMER: _BOUND,
        _R.CONSOLE: _ALWAYS,
        _R.BREAK_GLASS: _ALWAYS,
        _R.AUDITOR: _ALWAYS,
        _R.ADMIN: _ALWAYS,
    },
    Action.ONBOARD_ACCOUNT: {_R.CUSTOMER: _BOUND, _R.CONSOLE: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.CHANGE_ACCOUNT: {_R.CONSOLE: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.CHANGE_CONSENT: {_R.CUSTOMER: _BOUND},
    Action.CHANGE_CHECKPOINT_BUCKET: {_R.CUSTOMER: _BOUND},
    Action.RECONCILE_ACCOUNT: {_R.CONSOLE: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.REMOVE_ACCOUNT: {_R.CONSOLE: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.REVOKE_ACCOUNT: {_R.CUSTOMER: _BOUND, _R.CONSOLE: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.DIAGNOSE_ACCOUNT: {
        _R.CUSTOMER: _BOUND,
        _R.CONSOLE: _ALWAYS,
        _R.AUDITOR: _ALWAYS,
        _R.ADMIN: _ALWAYS,
    },
    Action.PROVE_ACCOUNT: {
        _R.CUSTOMER: _BOUND,
        _R.CONSOLE: _ALWAYS,
        _R.AUDITOR: _ALWAYS,
        _R.ADMIN: _ALWAYS,
    },
    Action.ROTATE_KEYS: {_R.CONSOLE: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.WRITE_TICKET: {_R.CONSOLE: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.READ_TICKET: {
        _R.ENGINEER: _ASSIGNED,
        _R.APPROVER: _ALWAYS,
        _R.CUSTOMER: _BOUND,
        _R.CONSOLE: _ALWAYS,
        _R.BREAK_GLASS: _ASSIGNED,
        _R.AUDITOR: _ALWAYS,
        _R.ADMIN: _ALWAYS,
    },
    Action.REQUEST_GRANT: {_R.ENGINEER: _OWN, _R.CONSOLE: _ALWAYS},
    Action.BREAK_GLASS: {_R.BREAK_GLASS: _OWN},
    Action.READ_GRANT: {
        _R.ENGINEER: _OWN,
        _R.APPROVER: _ALWAYS,
        _R.CUSTOMER: _BOUND,
        _R.CONSOLE: _ALWAYS,
        _R.BREAK_GLASS: _OWN,
        _R.AUDITOR: _ALWAYS,
        _R.ADMIN: _ALWAYS,
    },
    Action.DECIDE_GRANT: {_R.APPROVER: _ALWAYS, _R.CUSTOMER: _BOUND},
    Action.OFFER_APPROVAL: {
        _R.APPROVER: _ALWAYS,
        _R.CUSTOMER: _BOUND,
        _R.CONSOLE: _ALWAYS,
    },
    Action.REVOKE_GRANT: {
        _R.ENGINEER: _OWN,
        _R.APPROVER: _ALWAYS,
        _R.CUSTOMER: _BOUND,
        _R.CONSOLE: _ALWAYS,
        _R.BREAK_GLASS: _OWN,
        _R.ADMIN: _ALWAYS,
    },
    Action.OPEN_SESSION: {_R.ENGINEER: _OWN, _R.CONSOLE: _ALWAYS, _R.BREAK_GLASS: _OWN},
    Action.OPEN_CONSOLE: {_R.ENGINEER: _OWN, _R.CONSOLE: _ALWAYS, _R.BREAK_GLASS: _OWN},
    Action.READ_SESSION: {
        _R.ENGINEER: _OWN,
        _R.CUSTOMER: _BOUND,
        _R.CONSOLE: _ALWAYS,
        _R.BREAK_GLASS: _OWN,
        _R.AUDITOR: _ALWAYS,
        _R.ADMIN: _ALWAYS,
    },
    Action.READ_ACTIVITY: {
        _R.ENGINEER: _OWN,
        _R.CUSTOMER: _BOUND,
        _R.AUDITOR: _ALWAYS,
        _R.ADMIN: _ALWAYS,
    },
    Action.REVOKE_SESSION: {
        _R.ENGINEER: _OWN,
        _R.CUSTOMER: _BOUND,
        _R.CONSOLE: _ALWAYS,
        _R.BREAK_GLASS: _OWN,
        _R.ADMIN: _ALWAYS,
    },
    Action.REVOKE_MANY: {_R.CONSOLE: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.READ_LEDGER: {_R.CUSTOMER: _BOUND, _R.AUDITOR: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.SIGN_LEDGER: {_R.CUSTOMER: _BOUND, _R.AUDITOR: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.RECONCILE_LEDGER: {_R.CUSTOMER: _BOUND, _R.AUDITOR: _ALWAYS, _R.ADMIN: _ALWAYS},
    Action.ARCHIVE_LEDGER: {_R.ADMIN: _ALWAYS},
    Action.MANAGE_API_TOKENS: {_R.ADMIN: _ALWAYS},
    Action.READ_SELF: dict.fromkeys(Role, _ALWAYS),
}


def may_ever(caller: Caller, action: Action) -> bool:
    """Whether any of the caller's roles may do `action` at all, whatever it is done to."""
    return not caller.roles.isdisjoint(PERMITTED[action])


def permits(
    caller: Caller,
    action: Action,
    *,
    account_id: AccountId | None = None,
    engineer: str | None = None,
    assignees: Collection[str] | None = None,
) -> bool:
    """Whether `caller` may do `action` to what belongs to `account_id` and `engineer`.

    `assignees` are those of the ticket that it is about, empty for any engineer. An account-bound
    caller may touch nothing that belongs to no account, nor another account.
    """
    bound = caller.account_ids
    if bound and account_id not in bound:
        return False
    holds = {
        Condition.ALWAYS: True,
        Condition.BOUND_ACCOUNT: account_id is not None and account_id in bound,
        Condition.OWN: engineer is not None and engineer == caller.subject,
        Condition.ASSIGNED: assignees is not None
        and (not assignees or caller.subject in assignees),
    }
    granted = PERMITTED[action]
    return any(holds[granted[role]] for role in caller.roles if role in granted)


@dataclass(frozen=True, slots=True)
class Visibility:
    """What of a list a caller sees; None is no limit."""

    account_ids: frozenset[AccountId] | None
    engineer: str | None
    assignee: str | None = None
    """Only tickets that are assigned to them, or to nobody in particular."""


def visibility(caller: Caller, action: Action) -> Visibility | None:
    """How much of what `action` lists the caller sees, by the widest of the caller's roles."""
    granted = PERMITTED[action]
    conditions = {granted[role] for role in caller.roles if role in granted}
    bound = caller.account_ids or None
    if Condition.ALWAYS in conditions:
        return Visibility(bound, None)
    if Condition.BOUND_ACCOUNT in conditions:
        return Visibility(caller.account_ids, None)
    if Condition.ASSIGNED in conditions:
        return Visibility(bound, None, assignee=caller.subject)
    if Condition.OWN in conditions:
        return Visibility(bound, caller.subject)
    return None
