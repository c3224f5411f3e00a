"""KMS as moto has it, in the process of the tests."""

from __future__ import annotations

from functools import lru_cache

import boto3
from botocore.client import BaseClient
from moto.core import DEFAULT_ACCOUNT_ID
from moto.kms.models import kms_backends

from keys.kms import KmsKeyProvider
from keys.types import KeyProvider
from tests.integration.lifecycle.caching_aws import Moments

REGION = "eu-west-1"


def on_kms(moments: Moments) -> KeyProvider:
    """KMS as moto has it, in this process; killed around each call that it is sent."""
    client = kms_client()
    for event in ("before-call.kms", "after-call.kms"):
        client.meta.events.register(event, lambda **_: moments.reach())
    return KmsKeyProvider(client, alias_prefix="acme-support", tags={"ManagedBy": "Acme-Support"})


def empty_kms() -> None:
    """Forget every key: what others have made costs a call each."""
    kms_backends[DEFAULT_ACCOUNT_ID][REGION].reset()


@lru_cache
def _session() -> boto3.session.Session:
    """What takes long to build; its clients share nothing that these tests change."""
    return boto3.session.Session()


def kms_client() -> BaseClient:
    """A client of moto's KMS, which must be mocked in the process."""
    client = _session().client(
        "kms",
        region_name=REGION,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="not-a-secret",
    )
    for action in ("DisableKey", "ScheduleKeyDeletion"):
        # AWS takes a key's ARN in every call; in these two moto finds a key by its bare id only.
        client.meta.events.register(
            f"provide-client-params.kms.{action}",
            lambda params, **_: {**params, "KeyId": params["KeyId"].rpartition("/")[2]},
        )
    return client
