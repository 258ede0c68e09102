"""The kinds of files that rows come in, and how their cells are read."""
