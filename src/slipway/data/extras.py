"""Optional packages, which only some addresses need."""

from __future__ import annotations

from importlib import import_module

from slipway.errors import MissingExtraError


def require(package: str, extra: str, model: str, address: str) -> None:
    """Require a package of an extra.

    Raises:
        MissingExtraError: It is not installed; the message says how to install it.
    """
    try:
        import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:  # the package is there, but one that it needs is not: show that error as it is
            raise
        raise MissingExtraError(
            f"{model}: {address} is read with {package}, which is not installed. Install it with: pip install 'slipway[{extra}]'"
        ) from None
