"""The allow-list stands in `slipway.trusted_types`, because bundles are held to it as well."""

from slipway.trusted_types import ALLOWED, refuse_other_types

__all__ = ["ALLOWED", "refuse_other_types"]
