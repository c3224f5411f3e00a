"""The gate before moto: whether a call passes, and that moto does what was let through."""
