"""What a call is: which operation, signed by whom, and the form that a refusal of it has."""
