"""The roles that a form offers: each for every model and for each model, and for users the one about the gateway itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from slipway.access.callers import ADMINISTER, ROLES, Grant, Role
from slipway.pages.prediction.words import Phrase


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """A role to tick. `sent` is what the form sends for it, such as `predict:heart-failure`."""

    role: Role
    sent: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class RoleGroup:
    """Roles for the same thing: `model` is its name, "*" for every model, "" for the gateway."""

    model: str
    title: Phrase
    choices: tuple[RoleChoice, ...]


def role_groups(models: Mapping[str, Phrase], stored: Iterable[str], chosen: Collection[str], *, of_user: bool) -> list[RoleGroup]:
    """Return the roles of a form in groups.

    Args:
        models: The titles of the models by name.
        stored: The roles so far. One for a model that is no longer there is offered too, or sending the form would take it away.
        chosen: The roles that are ticked, as a form may have sent them.
        of_user: Whether they are a user's, who may administer; a key may not.
    """
    roles = [role for role in ROLES if role != ADMINISTER]
    groups = [RoleGroup("*", Phrase(""), _choices([Grant(role) for role in roles], chosen))]
    for model in sorted({*models, *(grant.model for grant in map(Grant.parse, stored) if grant.model)}):
        grants = [Grant(role, model) for role in roles]
        groups.append(RoleGroup(model, models.get(model, Phrase(model)), _choices(grants, chosen)))
    return [*groups, RoleGroup("", Phrase(""), _choices([Grant(ADMINISTER)], chosen))] if of_user else groups


def chosen_grants(sent: Collection[str], offered: Collection[RoleGroup]) -> list[Grant] | None:
    """Return the roles that a form has sent, sorted; None if there are none, or one was not offered."""
    known = {choice.sent for group in offered for choice in group.choices}
    return sorted(map(Grant.parse, set(sent)), key=str) if sent and known.issuperset(sent) else None


def _choices(grants: list[Grant], chosen: Collection[str]) -> tuple[RoleChoice, ...]:
    return tuple(RoleChoice(grant.role, str(grant), str(grant) in chosen) for grant in grants)
