"""Who is let in, and how much a caller may ask: credentials, rates, and places at work."""
