"""What a caller must be allowed for each operation, a module a service."""
