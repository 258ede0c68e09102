"""Bodies of requests into columns of cells, and answers into JSON."""
