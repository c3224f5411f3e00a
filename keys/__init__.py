"""Signing keys: their public form, their providers and their life. Imports nothing of broker."""
