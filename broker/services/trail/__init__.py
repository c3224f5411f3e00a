"""What AWS has seen, in the customer's CloudTrail, beside what the ledger says."""
