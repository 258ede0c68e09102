"""One file per model: `MODEL = ModelSpec(...)`. See docs/adding-a-model.md."""
