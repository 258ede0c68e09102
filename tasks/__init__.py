"""The steps of a flow: each has one effect an operator wants to see, and retries only for what can heal."""
