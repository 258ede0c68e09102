"""The links on top of every page, and the role for each."""

from __future__ import annotations

from slipway.access.callers import Caller
from slipway.pages.rendering import Link

NAVIGATION = (  # address, message, the roles of which one is enough; none: for everybody
    ("/", "navigation.models", ()),
    ("/predictions", "navigation.predictions", ("predict", "outcome")),
    ("/service", "navigation.service", ("operate",)),
    ("/audit", "navigation.audit", ("audit",)),
    ("/access", "navigation.access", ("administer",)),
)


def links_of(caller: Caller, path: str) -> tuple[Link, ...]:
    """Return the links for a person.

    Args:
        path: The address of the page that shows them.
    """
    roles = {grant.role for grant in caller.grants}
    here = path.partition("?")[0]
    return tuple(
        Link(address, message, _leads_here(address, here)) for address, message, needed in NAVIGATION if not needed or roles & {*needed}
    )


def _leads_here(address: str, path: str) -> bool:
    return path == address or (address != "/" and path.startswith(f"{address}/"))
