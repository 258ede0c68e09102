"""The OpenAPI document of each model."""
