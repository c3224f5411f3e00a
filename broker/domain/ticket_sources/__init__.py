"""Tickets as other systems tell them: pure functions from an answer's JSON to a Ticket."""
