"""Checks of rows against the contract, for requests, files of rows, and outcomes."""
