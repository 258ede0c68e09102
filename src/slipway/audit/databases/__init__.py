"""The databases of the log: SQLite or PostgreSQL, with the same tables."""
