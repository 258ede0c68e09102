"""Requests and replies: bodies into columns of cells, answers into JSON."""
