"""AssumeRoleWithWebIdentity, as AWS was recorded to answer it."""
