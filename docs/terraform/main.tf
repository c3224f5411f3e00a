# Lets a support organisation's broker create, repair and remove its identity provider and its two
# read-only support roles in this account: what the CloudFormation template makes, for those who
# prefer Terraform. A test of the broker's holds the two to the same policy.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
}

data "aws_iam_policy_document" "trust" {
  statement {
    effect  = "Allow"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${var.account_number}:root"]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }
  }
}

data "aws_iam_policy_document" "management" {
  # Only support roles, and only while one of AWS's own two policies is their boundary: whatever is
  # written into such a role, it can never do more than that boundary says.
  statement {
    sid    = "ChangeSupportRolesWithinTheirBoundary"
    effect = "Allow"
    actions = [
      "iam:AttachRolePolicy",
      "iam:CreateRole",
      "iam:DeleteRole",
      "iam:DeleteRolePolicy",
      "iam:DetachRolePolicy",
      "iam:PutRolePermissionsBoundary",
      "iam:PutRolePolicy",
      "iam:UpdateAssumeRolePolicy",
      "iam:UpdateRole",
    ]
    resources = ["arn:${local.partition}:iam::${local.account}:role/${var.name_prefix}-Support*"]
    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values = [
        "arn:${local.partition}:iam::aws:policy/ReadOnlyAccess",
        "arn:${local.partition}:iam::aws:policy/AWSSupportAccess",
      ]
    }
  }

  # IAM offers no boundary condition for these; none of them can widen what a role may do.
  statement {
    sid    = "ReadAndTagSupportRoles"
    effect = "Allow"
    actions = [
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListRolePolicies",
      "iam:TagRole",
    ]
    resources = ["arn:${local.partition}:iam::${local.account}:role/${var.name_prefix}-Support*"]
  }

  # To find what an older version left over; IAM offers no narrower resource.
  statement {
    sid    = "FindLeftovers"
    effect = "Allow"
    actions = [
      "iam:ListOpenIDConnectProviders",
      "iam:ListRoles",
    ]
    resources = ["*"]
  }

  # To show what the roles' policies allow in the end: documents that AWS publishes anyway.
  statement {
    sid    = "ReadPoliciesOfAws"
    effect = "Allow"
    actions = [
      "iam:GetPolicy",
      "iam:GetPolicyVersion",
    ]
    resources = ["arn:${local.partition}:iam::aws:policy/*"]
  }

  # Only identity providers under the broker's own host.
  statement {
    sid    = "ManageOurIdentityProvider"
    effect = "Allow"
    actions = [
      "iam:AddClientIDToOpenIDConnectProvider",
      "iam:CreateOpenIDConnectProvider",
      "iam:DeleteOpenIDConnectProvider",
      "iam:GetOpenIDConnectProvider",
      "iam:RemoveClientIDFromOpenIDConnectProvider",
      "iam:TagOpenIDConnectProvider",
      "iam:UpdateOpenIDConnectProviderThumbprint",
    ]
    resources = ["arn:${local.partition}:iam::${local.account}:oidc-provider/${var.issuer_host}/oidc/*"]
  }
}

resource "aws_iam_role" "management" {
  name               = "${var.name_prefix}_Management_Role_DO-NOT-DELETE"
  description        = "Manages the support roles and their identity provider; nothing else."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "management" {
  name   = "${var.name_prefix}_Management_Policy_DO-NOT-DELETE"
  role   = aws_iam_role.management.id
  policy = data.aws_iam_policy_document.management.json
}

# Tells the broker of this module, and waits until it has done its part. Only CloudFormation can, so
# it is a stack of one resource. It needs the policy, so on destruction it goes first: the broker
# clears up while the role can still do so.
resource "aws_cloudformation_stack" "hook" {
  count = var.service_token == "" ? 0 : 1
  name  = "${var.name_prefix}-Support"
  template_body = jsonencode({
    Resources = {
      Hook = {
        Type = "Custom::Hook"
        Properties = {
          ServiceToken    = var.service_token
          RoleArn         = aws_iam_role.management.arn
          AccountId       = local.account
          ExternalId      = var.external_id
          Payer           = var.payer_account ? "true" : "false"
          TemplateVersion = "2"
        }
      }
    }
    Outputs = {
      ReadOnlyRoleArn = { Value = { "Fn::GetAtt" = ["Hook", "ReadOnlyRoleArn"] } }
      CasesRoleArn    = { Value = { "Fn::GetAtt" = ["Hook", "CasesRoleArn"] } }
      Issuer          = { Value = { "Fn::GetAtt" = ["Hook", "Issuer"] } }
    }
  })
  depends_on = [aws_iam_role_policy.management]
}
