"""Every operation of S3's API is either mapped to its action or refused on purpose."""

import botocore.session
import pytest

from broker.sandbox.calls.answers import Protocol
from broker.sandbox.calls.operations import Operation
from broker.sandbox.needs.s3 import s3_needs
from broker.sandbox.needs.types import Need, UnmappedOperationError
from broker.sandbox.state.iam_directory import IamDirectory, PolicyCache

DIRECTORY = IamDirectory(PolicyCache())

# Directory buckets, S3 Tables' metadata, object annotations and Object Lambda are not played;
# nor are bucket policies, so none can be written.
UNMAPPED = {
    "CreateBucketMetadataConfiguration",
    "CreateBucketMetadataTableConfiguration",
    "CreateSession",
    "DeleteBucketMetadataConfiguration",
    "DeleteBucketMetadataTableConfiguration",
    "DeleteObjectAnnotation",
    "GetBucketAbac",
    "GetBucketMetadataConfiguration",
    "GetBucketMetadataTableConfiguration",
    "GetObjectAnnotation",
    "ListDirectoryBuckets",
    "ListObjectAnnotations",
    "PutBucketAbac",
    "PutBucketPolicy",
    "PutObjectAnnotation",
    "RenameObject",
    "UpdateBucketMetadataAnnotationTableConfiguration",
    "UpdateBucketMetadataInventoryTableConfiguration",
    "UpdateBucketMetadataJournalTableConfiguration",
    "UpdateObjectEncryption",
    "WriteGetObjectResponse",
}


def needs(name: str, **parameters: str) -> list[Need]:
    operation = Operation(
        service="s3",
        name=name,
        protocol=Protocol.S3,
        region="us-east-1",
        account_id="111122223333",
        method="GET",
        parameters=parameters,
    )
    return list(s3_needs(operation, "arn:aws:iam::111122223333:user/x", DIRECTORY))


def test_every_operation_is_decided() -> None:
    """What botocore knows and we do not map is listed above, name by name."""
    unmapped = set()
    for name in botocore.session.get_session().get_service_model("s3").operation_names:
        try:
            needs(name, Bucket="bucket", Key="key")
        except UnmappedOperationError:
            unmapped.add(name)
    assert unmapped == UNMAPPED


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("ListBuckets", {}, [("s3:ListAllMyBuckets", "*")]),
        ("HeadBucket", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("ListObjectsV2", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("HeadObject", {"Bucket": "b", "Key": "k/l"}, [("s3:GetObject", "arn:aws:s3:::b/k/l")]),
        (
            "GetObject",
            {"Bucket": "b", "Key": "k", "versionid": "1"},
            [("s3:GetObjectVersion", "arn:aws:s3:::b/k")],
        ),
        ("UploadPart", {"Bucket": "b", "Key": "k"}, [("s3:PutObject", "arn:aws:s3:::b/k")]),
        ("DeleteObjects", {"Bucket": "b"}, [("s3:DeleteObject", None)]),
        (
            "CopyObject",
            {"Bucket": "b", "Key": "k", "x-amz-copy-source": "/c/d%20e?versionId=1"},
            [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:GetObjectVersion", "arn:aws:s3:::c/d e")],
        ),
        (
            "CopyObject",
            {"Bucket": "b", "Key": "k", "x-amz-copy-source": "nothing"},
            [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:GetObject", None)],
        ),
    ],
)
def test_action_and_resource(
    name: str, parameters: dict[str, str], expected: list[tuple[str, str | None]]
) -> None:
    """S3's names for actions and resources, row by row."""
    assert [(each.action, each.resource) for each in needs(name, **parameters)] == expected
