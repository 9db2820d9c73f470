"""Who did what, when, for whom: one append-only line per command, and the superseded versions of rows that change."""
