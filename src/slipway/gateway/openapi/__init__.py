"""The OpenAPI documents: one for each model, and one for the gateway."""
