output "management_role_arn" {
  description = "The role that the broker assumes to keep its support roles."
  value       = aws_iam_role.management.arn
}

output "read_only_role_arn" {
  description = "The role that support engineers read with."
  value       = one(aws_cloudformation_stack.hook[*].outputs.ReadOnlyRoleArn)
}

output "cases_role_arn" {
  description = "The role that support engineers raise AWS support cases with."
  value       = one(aws_cloudformation_stack.hook[*].outputs.CasesRoleArn)
}

output "issuer" {
  description = "The OpenID Connect issuer that is this account's alone."
  value       = one(aws_cloudformation_stack.hook[*].outputs.Issuer)
}
