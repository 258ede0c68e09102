"""The models there are: each as its file declares it, and in short, without executing the files."""

from slipway.catalogue.listings import listings, read_again
from slipway.catalogue.models import Models, port_of
from slipway.catalogue.specs import catalogue, checked, lookup, served, services

__all__ = ["Models", "catalogue", "checked", "listings", "lookup", "port_of", "read_again", "served", "services"]
