"""What is known of a measured model beyond its figures."""
