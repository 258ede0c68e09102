"""The `slipway` command: one file a command."""
