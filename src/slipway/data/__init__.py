"""Getting the rows of a model: fetched from their origin or a mirror, or generated; and checked before use."""
