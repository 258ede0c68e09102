"""The bundles of this host, and the pointers to those in service and in challenge."""
