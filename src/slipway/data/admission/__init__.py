"""Whether a release may learn from a snapshot: what is in it, how that differs from the last one, and the limits of the model's file."""
