"""What takes CloudFormation's requests in and works them off."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from broker.aws.response_url import CloudFormationResponses
from broker.aws.sns_certificates import SigningCertificates
from broker.aws.sns_messages import VerifiedSnsMessages
from broker.aws.sns_subscriptions import SnsSubscriptions
from broker.domain.budget import Budget
from broker.errors import ConfigurationError
from broker.http.outbound import Outbound
from broker.services.ambient import utc_now
from broker.services.background.backoff import retry_after
from broker.services.hooks.decisions import HookDecisions
from broker.services.hooks.reception import (
    REFUSALS_A_MINUTE,
    STRANGERS_A_MINUTE,
    HookReception,
)
from broker.services.hooks.work import HookWork
from broker.settings import Settings
from broker.wiring.foundation import Foundation
from broker.wiring.lifecycle import Lifecycle


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Both ends of a hook; without topics nothing is received."""

    reception: HookReception | None
    work: HookWork


def build_hooks(base: Foundation, lifecycle: Lifecycle) -> Hooks:
    """Raises ConfigurationError where the trust anchors cannot be read."""
    settings, store = base.settings, base.store
    decisions = HookDecisions(
        journal=store.journal,
        management=base.management,
        reconcile=lifecycle.reconcile,
        removal=lifecycle.removal,
        withdraw=lifecycle.withdraw,
        settling=lifecycle.settling,
        name_prefix=settings.name_prefix,
        clock=utc_now,
    )
    outbound = Outbound(endpoint_url=settings.aws_endpoint_url)
    regions = [topic.region for topic in settings.hook_topics]
    responses = CloudFormationResponses(regions=regions, outbound=outbound)
    work = HookWork(
        hooks=store.hooks,
        response_urls=responses,
        decisions=decisions,
        journal=store.journal,
        retry_after=partial(retry_after, first=timedelta(seconds=4), longest=timedelta(minutes=1)),
        clock=utc_now,
    )
    if not settings.hook_topics:
        return Hooks(reception=None, work=work)
    reception = HookReception(
        messages=VerifiedSnsMessages(
            topics=settings.hook_topics,
            certificates=SigningCertificates(
                anchors=trust_anchors(settings), regions=regions, outbound=outbound
            ),
            clock=utc_now,
        ),
        subscriptions=SnsSubscriptions(base.clients.sns),
        response_urls=responses,
        journal=store.journal,
        hooks=store.hooks,
        accounts=store.accounts,
        name_prefix=settings.name_prefix,
        refusals=Budget(REFUSALS_A_MINUTE),
        strangers=Budget(STRANGERS_A_MINUTE),
        observer=base.observer,
        clock=utc_now,
    )
    return Hooks(reception=reception, work=work)


def trust_anchors(settings: Settings) -> list[x509.Certificate]:
    """The roots that SNS's certificates must lead to. Raises ConfigurationError."""
    try:
        text = Path(settings.sns_trust_anchors or certifi.where()).read_bytes()
        with warnings.catch_warnings():
            # Among the world's roots some carry serial numbers that RFC 5280 does not allow.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return x509.load_pem_x509_certificates(text)
    except (OSError, ValueError) as e:
        raise ConfigurationError(
            ["BROKER_SNS_TRUST_ANCHORS: must be a readable file of certificates in PEM"]
        ) from e
