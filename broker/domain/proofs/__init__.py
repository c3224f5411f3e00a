"""What a role may really do, proved from the documents that are attached to it."""
