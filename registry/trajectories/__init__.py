"""What happens to a dwelling: trajectories (verbetertrajecten), their tracks, milestones, measures, schemes and projects."""
