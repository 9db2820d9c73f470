"""Who takes part: the ministry, municipalities, housing corporations and inspection bodies."""
