"""Policy evaluation, pure: documents, patterns, conditions, and the verdict."""
