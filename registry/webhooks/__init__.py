"""Webhooks: telling other systems what changed, in order, at least once, and never where they should not be told."""
