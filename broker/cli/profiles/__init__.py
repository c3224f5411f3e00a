"""Profiles: what to ask for where nothing is said, and the file that holds them."""
