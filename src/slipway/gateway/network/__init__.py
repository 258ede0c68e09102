"""Connections: listening, TLS, time limits, response headers."""
