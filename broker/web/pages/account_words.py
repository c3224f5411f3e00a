"""An account in plain words: how it stands, what to do, and what is installed there and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.domain.accounts import WITHOUT_ROLES, Account, AccountState, Consent, Profile
from broker.domain.role_plan import RoleSpec, Wanted, management_role_arn


@dataclass(frozen=True, slots=True)
class Situation:
    """What a state means, and what somebody has to do about it."""

    meaning: str
    to_do: str


_SITUATIONS: Mapping[AccountState, Situation] = {
    AccountState.REGISTERED: Situation(
        "The account is known here, and nothing of ours is in it yet. Nobody can get in.",
        "Somebody who administers the AWS account creates the CloudFormation stack. All of its "
        "fields are filled in already.",
    ),
    AccountState.PROVISIONING: Situation(
        "The stack is there, and the support roles are being made and tested.",
        "Nothing. It takes a minute or two.",
    ),
    AccountState.ACTIVE: Situation(
        "Everything is in place, and AWS has been seen to enforce the rules.", "Nothing."
    ),
    AccountState.DEGRADED: Situation(
        "Something in the account is not as it should be, so nobody gets in.",
        "Read the reason. It is tried again by itself; where the stack was changed or deleted, "
        "create it again.",
    ),
    AccountState.REMOVING: Situation(
        "Support access is being removed. Nobody gets in any more.",
        "Nothing. The roles and the identity provider are deleted, then the keys.",
    ),
    AccountState.REMOVED: Situation(
        "Support access was removed. Nothing of it is left in the account.",
        "Nothing. The ledger stays, so that it can still be checked.",
    ),
}


_SWITCHED_OFF = Situation(
    "Support access is switched off. Nobody gets in, and every session has been ended.",
    "Nothing. Only the customer switches it on again, and what was granted before stays ended.",
)


def situation(account: Account) -> Situation:
    """How the account stands: the customer's `off` is the first thing to know of a good one."""
    if account.consent is Consent.OFF and account.state is AccountState.ACTIVE:
        return _SWITCHED_OFF
    return _SITUATIONS[account.state]


@dataclass(frozen=True, slots=True)
class ConsentChoice:
    """One position of the switch, and what follows from it."""

    consent: Consent
    label: str
    consequence: str


CONSENT_CHOICES = (
    ConsentChoice(
        Consent.STANDING,
        "An open ticket is enough",
        "Engineers get in for an open ticket of yours without asking. You see each access here.",
    ),
    ConsentChoice(
        Consent.PER_GRANT,
        "Ask me each time",
        "Nobody gets in until somebody on your side has approved the request. Whoever is in there "
        "now stays until their time is up, or you end it.",
    ),
    ConsentChoice(
        Consent.OFF,
        "Off",
        "Nobody gets in, and every live session ends now. What was granted does not come back "
        "when you switch it on again.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One thing in the customer's account: what it is for, what caps it, what it never does."""

    name: str
    kind: str
    purpose: str
    limit: str
    never: str
    policies: Sequence[str] = ()
    """AWS's own policies that it begins with."""


_READ_NEVER = {
    Profile.METADATA: "It never sees your data: no contents of files, tables, queues, logs or "
    "messages, and no secrets, passwords or keys.",
    Profile.FULL: "It never sees secrets, passwords or keys. It does see other data.",
}


def installed_title(state: AccountState) -> str:
    """What stands above the list of it."""
    if state in WITHOUT_ROLES:
        return "What will be installed in the account, and why"
    if state is AccountState.REMOVED:
        return "What was installed in the account"
    return "What is installed in the account, and why"


def installed_in(account: Account, wanted: Wanted, *, name_prefix: str) -> tuple[Installed, ...]:
    """What stands in the account, or will once it is set up."""
    read, case = wanted.roles
    management = management_role_arn(account.account_id, account.partition, name_prefix=name_prefix)
    return (
        Installed(
            name=_short(read.arn),
            kind="Support role: reading",
            purpose="An engineer looks at the account with it, for one ticket and a short time.",
            limit=_capped(read) + " It can create, change and delete nothing.",
            never=_READ_NEVER[account.profile],
            policies=[_short(arn) for arn in sorted(read.managed_policies)],
        ),
        Installed(
            name=_short(case.arn),
            kind="Support role: AWS support cases",
            purpose="An engineer raises and follows AWS support cases with it on your behalf.",
            limit=_capped(case) + " It reaches AWS Support and nothing else.",
            never="It never reads or changes anything in your account.",
        ),
        Installed(
            name=account.issuer,
            kind="Identity provider",
            purpose="AWS learns from it whose signatures count: only those of this account's own "
            "key, for one role and for minutes.",
            limit="It belongs to this account alone. Tokens of other accounts are refused.",
            never="It never gives anybody a right by itself.",
        ),
        Installed(
            name=_short(management),
            kind="Management role",
            purpose="The broker sets up, repairs and removes the three things above with it.",
            limit=f"It may change only roles that begin with {wanted.role_names} and carry one of "
            "the two boundaries, and identity providers of this broker.",
            never="It never reads your data, and it can make no role that exceeds a boundary.",
        ),
    )


def _capped(role: RoleSpec) -> str:
    return f"AWS's permissions boundary {_short(role.boundary)} caps it, whatever is written in it."


def _short(arn: str) -> str:
    """The name at the end of an ARN."""
    return arn.rsplit("/", 1)[1]
