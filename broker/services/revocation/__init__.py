"""What ends access: on paper, in the accounts, and proved."""
