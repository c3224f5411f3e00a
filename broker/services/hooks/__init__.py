"""Set up and removed by the customer's CloudFormation: what its custom resource asks for."""
