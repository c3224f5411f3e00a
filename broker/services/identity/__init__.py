"""Who is calling: credentials of every kind, and signing in."""
