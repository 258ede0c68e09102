"""Pictures of a model's answers and of the search for it, as PNG, drawn without a display."""
