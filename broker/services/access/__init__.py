"""Who gets in: grants, and the sessions that are opened under them."""
