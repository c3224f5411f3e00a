"""Who sits at the terminal: signing in and out, and what is kept of that."""
