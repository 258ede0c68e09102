"""The pages about files of rows: the columns that a file needs, what is wrong with one, and what came of its rows."""
