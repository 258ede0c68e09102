"""Which program uses a port; see `slipway.lifecycle.ports`, which the flows use too."""

from slipway.lifecycle.ports import PortNeed, check_free, conflict, holder, model_need

__all__ = ["PortNeed", "check_free", "conflict", "holder", "model_need"]
