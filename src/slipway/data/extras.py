"""Packages that only some addresses need, and that are installed only where they are asked for."""

from __future__ import annotations

from importlib import import_module

from slipway.errors import MissingExtraError


def require(package: str, extra: str, model: str, address: str) -> None:
    """Import a package of an extra.

    Raises:
        MissingExtraError: It is not installed; the message says how to install it.
    """
    try:
        import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:  # it is there, and something that it needs is not: that is not for us to explain
            raise
        raise MissingExtraError(
            f"{model}: {address} is read with {package}, which is not installed. Install it with: pip install 'slipway[{extra}]'"
        ) from None
