"""A local certificate authority, for trying out TLS."""
