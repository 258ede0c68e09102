"""Shared by `serving.py` and `startup.py`: models released on sample rows, the servers that are compared, and the load."""
