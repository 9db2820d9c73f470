"""Webhooks: telling other systems what changed, in order, at least once, and never where they should not be told.

This package owns the addresses, their secrets, and what is delivered there. What changed, and who sees it, is the change feed's to say
(`registry.changes`): a webhook is a reader of that feed, in the role in which people of its organisation read it. `fanning` makes deliveries of rows of the
feed, `delivery` claims and settles them, `sending` runs both in the worker, `outgoing` makes the connections. Why it is so: docs/adr/0025.
"""
