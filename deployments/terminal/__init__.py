"""How a command begins, prints and fails, for a person or for a script."""
