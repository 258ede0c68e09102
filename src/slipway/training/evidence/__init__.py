"""What is known about a measured model beyond its figures."""
