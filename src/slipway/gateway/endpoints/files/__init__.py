"""Files of rows that people upload: stored for a day, read by a program of their own, answered here or by a run of the flow `score`."""
