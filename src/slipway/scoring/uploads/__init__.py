"""Files that people upload: read into plain CSV, and written for them to download.

It runs as a short-lived program with limits of memory and time, because a file of a stranger may be made to exhaust them, and because the
gateway has no library that reads Parquet or Excel.
"""
