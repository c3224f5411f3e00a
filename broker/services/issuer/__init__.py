"""The broker as an issuer: its documents, and the tokens that it signs."""
