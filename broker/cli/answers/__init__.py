"""How commands print the API's answers, for people."""
