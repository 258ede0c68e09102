"""The rows of `slipway users list` and `slipway keys list`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployments.terminal.output import say, show_json, show_table


def user_rows(home: Path) -> list[dict[str, Any]]:
    """Return every user, by name."""
    from slipway.access import users

    used = _used(home, "user")
    return [
        {
            "name": name,
            "roles": list(user.grants),
            "second_factor": user.second_factor is not None,
            "created": user.created,
            "last_use": used(name, user.created),
        }
        for name, user in users.listed(home).items()
    ]


def key_rows(home: Path) -> list[dict[str, Any]]:
    """Return every key, by name."""
    from slipway.access import keys

    used = _used(home, "key")
    return [
        {
            "name": name,
            "roles": list(key.grants),
            "created": key.created,
            "expires": key.expires and _iso(key.expires),
            "last_use": used(name, key.created),
        }
        for name, key in keys.listed(home).items()
    ]


def show_rows(rows: list[dict[str, Any]], as_json: bool, none: str) -> None:
    """Print rows as JSON or as a table, or that there are `none`."""
    if as_json:
        show_json(rows)
    elif not rows:
        say(none)
    else:
        show_table([name.replace("_", " ") for name in rows[0]], [[_cell(value) for value in row.values()] for row in rows])


def _used(home: Path, kind: str) -> Callable[[str, str], str | None]:
    """Return a function from the name of a user or key, and when it was made, to when it was last used."""
    from slipway.access.last_use import last_uses, since

    found = last_uses(home)

    def used(name: str, created: str) -> str | None:
        last = since(created, found.get(f"{kind}-{name}"))
        return _iso(last) if last else None

    return used


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else value


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")
