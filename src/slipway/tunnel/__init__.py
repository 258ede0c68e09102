"""The gateway under a public address, through ngrok."""
