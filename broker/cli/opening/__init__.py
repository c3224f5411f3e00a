"""From options to a session: what is wanted, picked in a terminal, and opened."""
