"""The change feed: what changed, in an order that never skips a row, for phones and partners."""
