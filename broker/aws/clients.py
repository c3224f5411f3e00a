"""boto3 clients with everything explicit: Region, endpoint, timeouts, retries, pool size.

Nothing of the process's AWS configuration decides an endpoint behind our back: configured
endpoint URLs are ignored, and the sandbox's is a setting like any other.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.session import get_session

from broker.aws.partitions import home_region
from broker.domain.sessions import Credentials

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sts import STSClient
    from mypy_boto3_support import SupportClient

CONNECT_SECONDS = 3
READ_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsLocation:
    """Where AWS is: a Region, and an endpoint for all services where it is not AWS's own."""

    region: str
    endpoint_url: str | None = None

    @property
    def partition(self) -> str:
        """The partition of the Region, from botocore's data (`aws`, `aws-cn`, `aws-us-gov`, …)."""
        return str(get_session().get_partition_for_region(self.region))


class Clients:
    """Makes clients. A boto3 Session is not thread-safe, a client is: one lock around making."""

    def __init__(self, location: AwsLocation, *, connections: int) -> None:
        self._location = location
        self._connections = connections
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None

    def kms(self) -> KMSClient:
        """KMS with the broker's own credentials; botocore retries, signing is idempotent."""
        client: KMSClient = self._client("kms", self._config(retries=3))
        return client

    def sts(self) -> STSClient:
        """STS with the broker's own credentials, for the management role."""
        client: STSClient = self._client("sts", self._config(retries=3))
        return client

    def s3(self) -> S3Client:
        """S3 with the broker's own credentials, for copies of checkpoints."""
        client: S3Client = self._client("s3", self._config(retries=2))
        return client

    def unsigned_sts(self) -> STSClient:
        """The regional STS without credentials, for web identity; retries are the caller's."""
        client: STSClient = self._client("sts", self._config(retries=1, unsigned=True))
        return client

    def sns(self, region: str) -> SNSClient:
        """SNS of a Region with the broker's own credentials."""
        config = self._config(retries=3).merge(Config(region_name=region))
        client: SNSClient = self._client("sns", config)
        return client

    def iam(self, credentials: Credentials) -> IAMClient:
        """IAM of a customer's account with the management role's credentials."""
        client: IAMClient = self._client("iam", self._config(retries=4), credentials)
        return client

    def cloudtrail(self, credentials: Credentials, region: str) -> CloudTrailClient:
        """CloudTrail of a Region with the broker's own session; retries are the caller's."""
        config = self._config(retries=1).merge(Config(region_name=region))
        client: CloudTrailClient = self._client("cloudtrail", config, credentials)
        return client

    def ec2(self, credentials: Credentials) -> EC2Client:
        """EC2 with a session of the broker's own; whoever asks asks again."""
        client: EC2Client = self._client("ec2", self._config(retries=1), credentials)
        return client

    def support(self, credentials: Credentials) -> SupportClient:
        """AWS Support, which is in one Region of a partition, with such a session."""
        region = home_region("support", beside=self._location.region)
        config = self._config(retries=1).merge(Config(region_name=region))
        client: SupportClient = self._client("support", config, credentials)
        return client

    def _config(self, *, retries: int, unsigned: bool = False) -> Config:
        config = Config(
            region_name=self._location.region,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": retries},
            max_pool_connections=self._connections,
            ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]
        )
        return config.merge(Config(signature_version=UNSIGNED)) if unsigned else config

    def _client(self, service: str, config: Config, credentials: Credentials | None = None) -> Any:
        own: dict[str, str] = {}
        if credentials is not None:
            own = {
                "aws_access_key_id": credentials.access_key_id,
                "aws_secret_access_key": credentials.secret_access_key,
                "aws_session_token": credentials.session_token,
            }
        with self._lock:
            if self._session is None:
                self._session = boto3.Session(region_name=self._location.region)
            return self._session.client(  # type: ignore[call-overload]
                service, config=config, endpoint_url=self._location.endpoint_url, **own
            )
