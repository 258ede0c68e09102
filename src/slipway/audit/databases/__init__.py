"""Where the log is kept: SQLite or PostgreSQL, with the same tables."""
