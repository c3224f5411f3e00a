"""What a customer's CloudFormation stack asks for, and how it is answered."""
