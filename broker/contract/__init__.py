"""The HTTP contract as models: they validate requests, shape answers and generate OpenAPI."""
