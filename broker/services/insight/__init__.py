"""How everything stands, and finding one thing in it; changes nothing."""
