"""The pages of the audit log: a person's own predictions with their outcomes, and the search for those who may read the log."""
