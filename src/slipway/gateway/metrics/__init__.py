"""The gateway's metrics: their declarations, their counts, and their text for Prometheus."""
