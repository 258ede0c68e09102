"""Whether work would be done: one check a question, listed in `every.py`, each with its answer and the command that mends what is wrong."""
