"""A typed client of the HTTP API: one method an operation, the contract's models in and out."""
