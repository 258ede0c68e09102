"""What `serving.py` and `startup.py` share: models released on sample rows, the servers that are compared, and the load."""
