"""`/accounts/…/proof`: what the support roles may really do, action by action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from broker.domain.accounts import LEAVING, WITHOUT_ROLES
from broker.domain.identifiers import AccountId
from broker.domain.proofs.action_catalogue import AccessLevel
from broker.domain.proofs.proof import READING, RoleProof, Verdict
from broker.services.calls import Call
from broker.web.pages.site import Page, Section
from broker.wiring import Services

section = Section("proof")


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """A verdict as a badge, and what it means."""

    tone: str
    badge: str
    meaning: str


VERDICTS: Mapping[Verdict, VerdictWords] = {
    Verdict.READ_ONLY: VerdictWords(
        "good",
        "read-only",
        "Support can look at this account and raise AWS support cases for it. It can change "
        "nothing, and reads nothing that the profile promises to leave alone.",
    ),
    Verdict.VIOLATED: VerdictWords(
        "bad", "not read-only", "Support could do more here than it should. The reasons are below."
    ),
    Verdict.UNPROVEN: VerdictWords(
        "waiting",
        "not proved",
        "Something could not be read or was not there, and that is no proof.",
    ),
}


@dataclass(frozen=True, slots=True)
class AllowedAction:
    """One action that a role may do."""

    name: str
    level: AccessLevel

    @property
    def changes(self) -> bool:
        """Whether it is more than reading, or nobody knows."""
        return self.level not in READING


@dataclass(frozen=True, slots=True)
class ServiceActions:
    """What a role may do in one AWS service."""

    service: str
    actions: Sequence[AllowedAction]

    @property
    def changing(self) -> int:
        """How many of them stand out."""
        return sum(action.changes for action in self.actions)


@section.page("/accounts/<account_id>/proof")
def proof(services: Services, call: Call, account_id: AccountId) -> Page:
    """What a proof is, and a button: it asks IAM, which takes seconds."""
    account = services.prove.subject(account_id, call)
    provable = account.state not in (*WITHOUT_ROLES, *LEAVING)
    return Page("proof.html", {"account": account, "provable": provable})


@section.action("/accounts/<account_id>/proof")
def prove(services: Services, call: Call, account_id: AccountId) -> Page:
    """A proof made now. It is kept nowhere but as its digest in the ledger, so it is shown here."""
    account = services.prove.subject(account_id, call)
    made = services.prove(account_id, call)
    shown = {
        "account": account,
        "proof": made,
        "verdict": VERDICTS[made.verdict],
        "levels": list(AccessLevel),
        "roles": [(role, by_service(role)) for role in made.roles],
    }
    return Page("proof_made.html", shown)


def by_service(role: RoleProof) -> Sequence[ServiceActions]:
    """What the role may do, service by service; those in which it may change something first.

    Names in its policies that AWS does not know are no actions, and are told beside.
    """
    allowed = sorted((name, level) for level, names in role.actions.items() for name in names)
    grouped = groupby(allowed, key=lambda item: item[0].partition(":")[0])
    services = [
        ServiceActions(service, [AllowedAction(name, level) for name, level in actions])
        for service, actions in grouped
    ]
    return sorted(services, key=lambda each: (each.changing == 0, each.service))
