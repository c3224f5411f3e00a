"""What AWS has seen: events of CloudTrail, and the ledger beside them."""
