"""Commands that change the log: old lines are deleted, and the keys of subject ids replaced."""
