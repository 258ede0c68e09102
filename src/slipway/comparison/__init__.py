"""Champion and challenger on the same rows: how they differ, and how surely."""
