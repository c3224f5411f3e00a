"""The organisation's OpenID provider, as its client: documents, keys, and the code flow."""
