"""A file of rows into a file of predictions, chunk by chunk, so that memory does not grow with the number of rows."""
