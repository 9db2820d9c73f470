"""The dwellings: what and where each one is. What happens to them is in `registry.trajectories` and `registry.inspections`."""
