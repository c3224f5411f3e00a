"""What happened: entries, their chains, what signs them, and how anybody verifies it."""
