"""Webhooks: chat tools and consoles are told of what stands in the ledger.

The ledger is the outbox: an endpoint has a cursor in each chain, and what it has not been told
yet is what stands behind it. So an event exists exactly if its entry does.
"""
