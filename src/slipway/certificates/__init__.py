"""A certificate authority of one's own, for trying out TLS."""
