"""Rows of a chosen drift: drawn from the test rows, and sent through the endpoint."""
