"""How many: definitions of what counts, and figures as of a date as known at a moment."""
