"""What accounts hold, in moto and beside it, and what their sessions are given."""
