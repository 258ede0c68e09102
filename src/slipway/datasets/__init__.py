"""What several models learn from: rows and columns that stand here once. A model with rows of its own names them in its own file."""
