"""Callers of the gateway, and what they may do."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from slipway.access.refusals import ForbiddenError
from slipway.errors import SlipwayError

Role = Literal["predict", "outcome", "audit", "operate", "administer"]
Kind = Literal["key", "user", "oidc"]

ROLES: tuple[Role, ...] = get_args(Role)
ADMINISTER: Role = "administer"  # of users and keys: the one role that is about no model, and that only users of the gateway can have
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


class InvalidGrantError(SlipwayError, ValueError):
    """The text is not a role, or no role was given."""


class InvalidNameError(SlipwayError, ValueError):
    """The name has characters that are not safe in a header, a log or a shell."""


class GrantsChangedError(SlipwayError, ValueError):
    """The roles are no longer those that somebody has looked at before changing them."""


class Grant(NamedTuple):
    """One role, for one model, or for every model if `model` is None. `administer` is for the gateway, so its `model` is None."""

    role: Role
    model: str | None = None

    @classmethod
    def parse(cls, text: str) -> Grant:
        """Read `predict` (every model) or `predict:heart-failure` (that one).

        Raises:
            InvalidGrantError: There is no such role, it is not for a single model, or the text has another form.
        """
        role, colon, model = text.partition(":")
        if role == ADMINISTER and colon:
            raise InvalidGrantError(f"role {text[:80]!r}: expected {ADMINISTER} alone, because users and keys are those of all models.")
        if role not in ROLES or (colon and not NAME.fullmatch(model)):
            raise InvalidGrantError(
                f"role {text[:80]!r}: expected one of {', '.join(ROLES)}, or one for a model, such as predict:heart-failure."
            )
        return cls(role, model or None)

    def __str__(self) -> str:
        return self.role if self.model is None else f"{self.role}:{self.model}"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. Names are unique within a kind: a key and a user of the same name are two callers."""

    name: str
    kind: Kind
    grants: frozenset[Grant]

    def may(self, role: Role, model: str | None = None) -> bool:
        """Return whether the role is granted for this model; None is the whole gateway, which needs a grant for every model."""
        return (role, None) in self.grants or (model is not None and (role, model) in self.grants)

    def has(self, role: Role) -> bool:
        """Return whether the role is granted for every model or for some."""
        return any(grant.role == role for grant in self.grants)

    def sees(self, model: str) -> bool:
        """Return whether any role about models is granted for this one."""
        return any(grant.model in (None, model) for grant in self.grants if grant.role != ADMINISTER)

    def require(self, role: Role, model: str | None = None) -> None:
        """Require that the role is granted.

        Raises:
            ForbiddenError: It is not; the message says how to grant it.
        """
        if not self.may(role, model):
            way_out = {
                "key": f"with `slipway keys roles {self.name} --role ...`",
                "user": f"with `slipway users roles {self.name} --role ...`",
                "oidc": "at the provider, in the claim with the roles",
            }
            where = "" if role == ADMINISTER else f" for {model[:60]}" if model else " for every model"
            if role == ADMINISTER and self.kind != "user":
                raise ForbiddenError(f"{self}: expected a user with the role {role!r}: `slipway users add NAME --role {role}` adds one.")
            raise ForbiddenError(f"{self}: expected the role {role!r}{where}, which was not granted. Grant it {way_out[self.kind]}.")

    def __str__(self) -> str:
        """Return a name that is unique among all callers, such as `user:anna`, for logs and limits."""
        return f"{self.kind}:{self.name}"


def check_name(name: str) -> str:
    """Return the name, checked.

    Raises:
        InvalidNameError: It has other characters than letters, digits and `._@+-`, or is longer than 64.
    """
    if not NAME.fullmatch(name):
        raise InvalidNameError(f"name {name[:80]!r}: expected 1 to 64 letters, digits or ._@+-, beginning with a letter or digit.")
    return name


def as_stored(grants: Iterable[Grant]) -> tuple[str, ...]:
    """Return the grants as they are stored and shown: each once, sorted.

    Raises:
        InvalidGrantError: There are none.
    """
    if not (found := tuple(sorted({str(grant) for grant in grants}))):
        raise InvalidGrantError(f"expected at least one role of {', '.join(ROLES)}, received none; to remove all roles, revoke the name.")
    return found


def require_unchanged(name: str, found: tuple[str, ...], seen: Collection[str] | None) -> None:
    """Require that stored grants are those that were seen; None: that does not matter. Raises GrantsChangedError."""
    if seen is not None and set(seen) != set(found):
        raise GrantsChangedError(f"the roles of {name!r} were changed in the meantime; they are now: {', '.join(found)}.")
