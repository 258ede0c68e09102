"""A file of rows into a file of predictions: by chunks, so that memory stays the same for any number of rows."""
