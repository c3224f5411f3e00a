"""One sandbox for all tests of this folder, and a stage on it for recorded rows."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.integration.sandbox.loopback_issuer import LoopbackIssuers
from tests.integration.sandbox.observed.stage import Stage

ACCOUNT_ID = "123456789012"


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    from broker.sandbox import identity_providers, web_identity_endpoint
    from broker.sandbox.clock import Clock
    from broker.sandbox.credentials import CredentialRegister
    from broker.sandbox.iam_directory import IamDirectory, PolicyCache
    from broker.sandbox.openid_fetch import IssuerClient
    from broker.sandbox.web_identity import WebIdentityService

    clock, issuers = Clock(), IssuerClient()
    web_identity_endpoint.install(
        WebIdentityService(
            clock=clock,
            iam=IamDirectory(PolicyCache()),
            register=CredentialRegister(clock),
            issuers=issuers,
        )
    )
    identity_providers.install(issuers)
    server = make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def issuers() -> Iterator[LoopbackIssuers]:
    """Issuers on a loopback port of the test's own."""
    with LoopbackIssuers() as server:
        yield server


@pytest.fixture
def stage(iam: Any, sts: Any, issuers: LoopbackIssuers) -> Iterator[Stage]:
    """An account for one case, left without identity providers: it may have no more than 100."""
    stage = Stage(account_id=ACCOUNT_ID, iam=iam, sts=sts, issuers=issuers)
    yield stage
    for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"])


@pytest.fixture(scope="session")
def iam(endpoint: str) -> Any:
    return boto3.Session(
        region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    ).client("iam", endpoint_url=endpoint)


@pytest.fixture(scope="session")
def sts(endpoint: str) -> Any:
    """An unsigned client that tries once and leaves every check to the server."""
    config = Config(
        signature_version=UNSIGNED,
        retries={"total_max_attempts": 1},
        parameter_validation=False,
    )
    return boto3.Session(region_name="us-east-1").client(
        "sts", endpoint_url=endpoint, config=config
    )
