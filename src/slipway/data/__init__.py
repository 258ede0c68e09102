"""The rows of a model: fetched from their origin or a mirror, or generated, and validated before use."""
