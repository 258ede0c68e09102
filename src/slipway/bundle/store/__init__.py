"""The bundles of this host, and the pointers to the one in service and its challenger."""
