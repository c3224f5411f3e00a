"""Who sits at the terminal: their ways of signing in, what is kept of that, and who is asked."""
