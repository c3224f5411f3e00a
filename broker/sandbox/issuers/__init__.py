"""Issuers of web identities: which URLs there may be, and what AWS fetches there."""
