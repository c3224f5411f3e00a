"""The read-only proof as a table."""

from __future__ import annotations

import pytest

from broker.domain.proofs.action_catalogue import AccessLevel
from broker.domain.proofs.proof import RoleProof
from broker.web.pages.proof import by_service
from tests.integration.api.world import ACCOUNT, UNREADY
from tests.integration.pages.world import Site, shown

PROOF = f"/accounts/{ACCOUNT}/proof"


def test_a_button_and_then_the_proof(site: Site) -> None:
    """Looking asks nobody; proving shows verdict, counts, and each action with its level."""
    carl = site.visitor("carl")
    before = len(site.ledger(ACCOUNT))
    page = carl.page(PROOF)
    assert page.form(PROOF).buttons == ["Prove now"]
    assert len(site.ledger(ACCOUNT)) == before
    made = shown(carl.post(PROOF))
    entry = site.ledger(ACCOUNT)[-1]
    assert (entry.action, entry.outcome) == ("account.proved", "done")
    for words in (
        "read-only",
        "Acme-Support-ReadOnly",
        "Acme-Support-Cases",
        str(entry.details["digest"]),
        "More than reading: support:AddAttachmentsToSet",
        "ec2:DescribeInstances List",
        "support:CreateCase Write",
        "Nothing but reading and listing.",
    ):
        assert words in made.text
    assert "s3:GetObject " not in made.text


def test_nothing_to_prove_without_roles(site: Site) -> None:
    """There is no button, and asking all the same tells why there is no proof."""
    page = site.visitor("carl").page(f"/accounts/{UNREADY}/proof")
    assert page.actions == set()
    answer = site.visitor("carl").post(f"/accounts/{UNREADY}/proof")
    assert answer.status_code in (502, 503)
    assert "Not done" in shown(answer, answer.status_code).text


@pytest.mark.parametrize("name", ["ann", "paul", "nora", "eve"])
def test_who_may_not_prove(site: Site, name: str) -> None:
    """Neither page is shown to them."""
    shown(site.visitor(name).get(PROOF), 403)
    shown(site.visitor(name).post(PROOF), 403)


def test_a_page_elsewhere_proves_nothing(site: Site) -> None:
    """Without our token AWS is not asked."""
    before = len(site.ledger(ACCOUNT))
    assert "csrf_failed" in shown(site.visitor("carl").without_token(PROOF), 403).text
    assert len(site.ledger(ACCOUNT)) == before


def test_what_changes_something_stands_first() -> None:
    """Services in which a role may do more than read come before all others."""
    role = RoleProof(
        role="a role",
        actions={
            AccessLevel.LIST: ("ec2:DescribeInstances",),
            AccessLevel.READ: ("s3:GetBucketAcl", "zoo:Look"),
            AccessLevel.WRITE: ("s3:PutObject",),
            AccessLevel.UNKNOWN: ("zoo:Feed",),
        },
        unknown=("zoo:Nothing*",),
    )
    services = by_service(role)
    assert [(each.service, each.changing) for each in services] == [
        ("s3", 1),
        ("zoo", 1),
        ("ec2", 0),
    ]
    assert [action.name for action in services[1].actions] == ["zoo:Feed", "zoo:Look"]
    assert [action.name for action in services[0].actions] == ["s3:GetBucketAcl", "s3:PutObject"]
