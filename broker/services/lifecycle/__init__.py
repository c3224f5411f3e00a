"""What keeps an account as it is wanted, from its registration to its removal."""
