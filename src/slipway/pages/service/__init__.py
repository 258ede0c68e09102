"""The operator's pages: what is in service, and what a person can do about it."""
