"""What commands read of the API's answers, and how they print it."""
