"""Why anybody gets in: tickets, told to the broker or asked for at their source."""
