"""How much a caller may ask: rate, guessing, and places at work."""
