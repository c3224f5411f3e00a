"""Telling endpoints what the ledger says."""
