"""Reports of inspections as PDF and HTML: made in the background, kept, and made anew when what they tell of changes."""
