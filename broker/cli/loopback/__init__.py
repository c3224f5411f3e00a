"""Servers on a port of this machine, for commands that a browser or an SDK talks to, and leading
the browser there."""
