"""What looks into accounts without changing them: the doctor and the read-only proof."""

from __future__ import annotations

import time
from dataclasses import replace

from broker.aws.action_catalogue import PackagedCatalogue
from broker.aws.issuer_site import HttpIssuerSite
from broker.aws.own_identity import StsMirror
from broker.services.ambient import utc_now
from broker.services.diagnosis.doctoring import Doctor
from broker.services.diagnosis.enforcement import EnforcementExamination
from broker.services.diagnosis.estate import EstateExamination
from broker.services.diagnosis.proving import Prove
from broker.services.diagnosis.publication import PublicationExamination
from broker.services.diagnosis.signing import SigningExamination
from broker.services.diagnosis.surroundings import Surroundings
from broker.services.lifecycle.canaries import SETTLED_ROLE_WAITS
from broker.wiring.foundation import Foundation


def build_doctor(base: Foundation) -> Doctor:
    """`broker doctor` and the diagnosis of an account."""
    site = HttpIssuerSite()
    return Doctor(
        accounts=base.store.accounts,
        gate=base.gate,
        surroundings=Surroundings(
            issuer_base=base.settings.issuer_url,
            vendor_account_id=base.settings.vendor_account_id,
            store=base.store,
            mirror=StsMirror(base.clients.sts()),
            site=site,
            clock=utc_now,
        ),
        signing=SigningExamination(key_providers=base.key_providers, entropy=base.entropy),
        publication=PublicationExamination(
            issuer_base=base.settings.issuer_url, site=site, clock=utc_now, sleep=time.sleep
        ),
        estate=EstateExamination(
            management=base.management,
            policy=base.policy,
            clock=utc_now,
            entropy=base.entropy,
        ),
        enforcement=EnforcementExamination(
            # The roles have stood for a while, so nobody waits long for them.
            canaries=replace(base.canaries, waits=SETTLED_ROLE_WAITS),
            journal=base.store.journal,
            clock=utc_now,
        ),
    )


def build_prove(base: Foundation) -> Prove:
    """The read-only proof."""
    return Prove(
        journal=base.store.journal,
        accounts=base.store.accounts,
        gate=base.gate,
        management=base.management,
        catalogue=PackagedCatalogue(),
        policy=base.policy,
        clock=utc_now,
    )
