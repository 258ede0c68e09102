"""Compositions: models that are made of other models, and the small models that only occur in them or have no engine of their own."""
