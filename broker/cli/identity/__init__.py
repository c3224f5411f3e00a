"""Who sits at the terminal: profiles, signing in and out, and what is kept of that."""
