"""The pages for administrators: users, keys, and their roles."""
