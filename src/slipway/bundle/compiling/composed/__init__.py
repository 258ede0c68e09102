"""Fitted estimators, and compositions of them, as the parts that `slipway.bundle.engines.composed` answers from."""
