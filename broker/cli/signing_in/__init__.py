"""The commands with which people come, go, and ask who they are."""
