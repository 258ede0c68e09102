"""How bytes are named, checked and put in place."""
