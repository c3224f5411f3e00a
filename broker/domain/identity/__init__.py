"""Who is calling, how that is known, and what they may do."""
