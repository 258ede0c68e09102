"""The steps of a flow. Each has one effect that an operator wants to see, and retries only failures that can heal."""
