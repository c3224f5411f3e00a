"""CloudTrail's event history: what was called, by whom, and what LookupEvents tells of it."""
