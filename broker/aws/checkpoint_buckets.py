"""Customers' own S3 buckets, which get a copy of each checkpoint of their ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from broker.aws.errors import code_of, translated
from broker.domain.ledger.checkpoints import Checkpoint, object_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_WRITTEN_ALREADY = "PreconditionFailed"
"""If-None-Match found an object of this name; its name holds the hash, so it is the same."""


class S3CheckpointBuckets:
    """The CheckpointBuckets of S3, with the broker's own credentials."""

    def __init__(self, s3: S3Client) -> None:
        self._s3 = s3

    def put(self, checkpoint: Checkpoint, *, bucket: str) -> None:
        """See CheckpointBuckets. A bucket of somebody else, under the same name, gets nothing."""
        with translated(
            "PutObject",
            refused="The bucket does not take the checkpoint. Does it exist in this very account, "
            "and does its policy allow the broker to write there?",
        ):
            try:
                self._s3.put_object(
                    Bucket=bucket,
                    Key=object_key(checkpoint),
                    Body=checkpoint.jws.encode("ascii"),
                    ContentType="application/jose",
                    # A bucket with Object Lock takes nothing without a checksum.
                    ChecksumAlgorithm="SHA256",
                    ExpectedBucketOwner=checkpoint.account_id,
                    IfNoneMatch="*",
                )
            except ClientError as e:
                if code_of(e) != _WRITTEN_ALREADY:
                    raise
