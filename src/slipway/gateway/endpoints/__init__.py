"""What each path answers once its caller is known. The table of paths is `routes`; the other modules hold the handlers."""
