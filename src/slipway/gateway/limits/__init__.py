"""Limits for callers: credentials, rates, and requests in work."""
