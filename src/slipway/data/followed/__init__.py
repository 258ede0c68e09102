"""Rows that move: what the origin holds now is kept as a snapshot."""
