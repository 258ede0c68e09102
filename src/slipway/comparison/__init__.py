"""Champion and challenger on the same rows: how much they differ, and how certain that is."""
