"""Signing, exporting and archiving the ledger."""
