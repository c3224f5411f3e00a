"""CloudFormation's part: stacks, their custom resources, and the SNS between them."""
