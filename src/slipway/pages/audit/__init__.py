"""Lines of the audit log in words: predictions with their outcomes, and what the page of the log shows of a search."""
