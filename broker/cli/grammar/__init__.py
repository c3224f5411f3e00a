"""How commands are arranged and read, where click alone would not do."""
