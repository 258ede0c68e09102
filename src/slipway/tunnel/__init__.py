"""A public address for the gateway, through ngrok."""
