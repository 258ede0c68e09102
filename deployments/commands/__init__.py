"""The `slipway` command: one file a command, and how commands print, start and fail."""
