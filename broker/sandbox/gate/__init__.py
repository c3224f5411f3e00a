"""The gate before moto: who calls, what the call is, and whether it passes."""
