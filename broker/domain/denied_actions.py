"""Which actions are denied to the support roles, and which few may change something.

AWS's managed policies allow more than their names say: some of what they allow hands out
credentials, some reads what the customer's own users wrote, some changes or starts something.
`broker.domain.proofs.proof` holds these lists against IAM's own catalogue of actions.
"""

from __future__ import annotations

from broker.domain.accounts import Profile

_CUSTOMER_DATA = (
    "athena:BatchGetNamedQuery",
    "athena:GetQueryResults*",
    "cloudformation:GetTemplate",
    "cloudwatch:GetRecords",
    "cloudwatch:GetTelemetryQueryResults",
    "codeartifact:GetPackageVersionAsset",
    "codeartifact:ReadFromRepository",
    "codecommit:BatchGet*",
    "codecommit:GetBlob",
    "codecommit:GetFile",
    "codecommit:GitPull",
    "cognito-idp:AdminGetUser",
    "cognito-idp:ListUsers*",
    "cognito-sync:ListRecords",
    "cognito-sync:QueryRecords",
    "datapipeline:QueryObjects",
    "dynamodb:BatchGet*",
    "dynamodb:GetItem",
    "dynamodb:GetRecords",
    "dynamodb:PartiQLSelect",
    "dynamodb:Query",
    "dynamodb:ReadDataForReplication",
    "dynamodb:Scan",
    "dynamodb:SearchVectors",
    "ec2:DescribeInstanceAttribute",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:GetConsoleOutput",
    "ec2:GetConsoleScreenshot",
    "ec2:GetLaunchTemplateData",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "kinesis:GetRecords",
    "kinesis:SubscribeToShard",
    "kinesisvideo:GetMedia*",
    "lambda:GetFunction",
    "lambda:GetLayerVersion*",
    "lex:GetUtterancesView",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:GetLogRecord",
    "logs:GetQueryResults",
    "logs:StartLiveTail",
    "logs:StartQuery",
    "rds:DownloadCompleteDBLogFile",
    "rds:DownloadDBLogFilePortion",
    "redshift-data:GetStatementResult*",
    "s3-object-lambda:GetObject*",
    "s3:GetObject*",
    "s3:SelectObjectContent",
    "s3vectors:GetVectors",
    "sdb:Select",
    "sqs:ReceiveMessage",
    "states:GetExecutionHistory",
    "workmail:Get*",
)
"""Actions that read what the customer's own users wrote, which the metadata profile denies."""

_SECRETS = (
    "acm:GetAcmeExternalAccountBindingCredentials",
    "appsync:ListApiKeys",
    "cloudwatch:GetSpaceCredentials*",
    "codeartifact:GetAuthorizationToken",
    "codepipeline:Get*JobDetails",
    "cognito-identity:GetCredentialsForIdentity",
    "cognito-identity:GetOpenIdToken*",
    "cognito-idp:GetTokensFromRefreshToken",
    "cognito-idp:ListUserPoolClientSecrets",
    "connect:GetFederationToken*",
    "ec2:GetPasswordData",
    "ecr-public:GetAuthorizationToken",
    "ecr:GetAuthorizationToken",
    "gamelift:GetComputeAuthToken",
    "kms:Decrypt",
    "license-manager:GetAccessToken",
    "lightsail:DownloadDefaultKeyPair",
    "lightsail:GetInstanceAccessDetails",
    "lightsail:GetRelationalDatabaseMasterUserPassword",
    "redshift-serverless:GetCredentials",
    "redshift:GetClusterCredentials*",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "ssm:GetAccessToken",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParameters*",
    "storagegateway:DescribeChapCredentials",
    "sts:GetSessionToken",
)
"""Actions that hand out secrets or other credentials, which every profile denies. Details of a
pipeline's job hold credentials for its artifacts (CodePipeline API, GetJobDetails)."""

NOT_READS = (
    # Above Read and List in IAM's own catalogue, and allowed by ReadOnlyAccess nevertheless.
    "athena:GetSessionEndpoint",
    "backup:ListIndexedRecoveryPointsForSearch",
    "billing:GetResourcePolicy",
    "iot:GetConnection",
    "iot:ListSubscriptions",
    "s3express:CreateSession",
    "ssm-sap:GetResourcePermission",
    # Reads by the catalogue, though they change, stop or call something.
    "agent-registry:InvokeRegistryMcp",
    "config:DeliverConfigSnapshot",
    "dms:TestConnection",
    "logs:StopLiveTail",
    "logs:StopQuery",
    "redshift:ViewQueriesInConsole",
    "transfer:TestIdentityProvider",
    # Of services that have ended: no catalogue tells any more what they did.
    "codestar:Verify*",
    "evidently:TestSegmentPattern",
)
"""Actions that AWS's read policies allow and that are no reading, which every profile denies."""

SUPPORT_CASE_ACTIONS = (
    "support:AddAttachmentsToSet",
    "support:AddCommunicationToCase",
    "support:CreateCase",
    "support:Describe*",
    "support:ResolveCase",
)
"""All that the cases role may do."""


def promised_denials(profile: Profile) -> tuple[str, ...]:
    """What a read role promises never to read: secrets always, customer data under `metadata`."""
    data = _CUSTOMER_DATA if profile is Profile.METADATA else ()
    return tuple(sorted({*_SECRETS, *data}))
