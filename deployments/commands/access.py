"""`slipway users` and `slipway keys`: who may call the gateway. A change counts within a second, without a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal.access_rows import key_rows, show_rows, user_rows
from deployments.terminal.command import AsJson, command
from deployments.terminal.groups import group
from deployments.terminal.output import say, show_json
from deployments.terminal.passwords import new_password
from deployments.terminal.second_factor import show_second_factor

if TYPE_CHECKING:
    from slipway.access.callers import Grant
    from slipway.settings import Settings

users_app = group("users", "The people who sign in with a password: add, list, change, revoke.")
keys_app = group("keys", "The API keys of programs: add, list, change, revoke.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and ._@+-.")]
Roles = Annotated[
    list[str],
    typer.Option(
        "--role",
        metavar="ROLE[:MODEL]",
        help="One of predict, outcome, audit, operate, for every model or the one named; or administer. Give it several times.",
    ),
]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the standard input, for scripts.")]


@users_app.command("add")
def add_user(
    name: Name,
    role: Roles,
    second_factor: Annotated[bool, typer.Option("--second-factor", help="Ask for a code of an authenticator app, too.")] = False,
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
) -> None:
    """Add a user. The password is asked for; the address for the authenticator app is shown this once.

    For example: slipway users add anna --role predict:heart-failure --role outcome:heart-failure --second-factor
    """
    with command(as_json) as settings:
        from slipway.access import users

        grants = _grants(role)
        users.require_new(settings.home, name)
        password = new_password(name, password_stdin)
        _administered(settings, "add user", f"{name}: {_listed(grants)}{'; with second factor' if second_factor else ''}")
        uri = users.add(settings.home, name, password, grants, with_second_factor=second_factor)
        _show_user(settings, name, uri, "added", as_json)


@users_app.command("list")
def list_users(as_json: AsJson = False) -> None:
    """List the users and what they may do.

    For example: slipway users list --json
    """
    with command(as_json) as settings:
        show_rows(user_rows(settings.home), as_json, "there are no users; `slipway users add NAME --role predict` adds one.")


@users_app.command("roles")
def user_roles(name: Name, role: Roles) -> None:
    """Replace what a user may do, also in sessions that are open.

    For example: slipway users roles anna --role predict --role audit:heart-failure
    """
    with command() as settings:
        from slipway.access import users

        grants = _grants(role)
        users.known(settings.home, name)
        _administered(settings, "change user's roles", f"{name}: {_listed(grants)}")
        users.grant(settings.home, name, grants)
        say(f"{name} may now: {_listed(grants)}")


@users_app.command("rotate")
def rotate_user(
    name: Name,
    second_factor: Annotated[
        bool | None, typer.Option("--second-factor/--no-second-factor", help="Make a new second factor, or take it away; else it stays.")
    ] = None,
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
) -> None:
    """Set a new password, which is asked for, and end the user's sessions.

    For example: slipway users rotate anna --second-factor
    """
    with command(as_json) as settings:
        from slipway.access import users

        users.known(settings.home, name)
        password = new_password(name, password_stdin)
        factor = {None: "", True: "; new second factor", False: "; second factor taken away"}[second_factor]
        _administered(settings, "rotate user's password", f"{name}{factor}")
        uri = users.rotate(settings.home, name, password, with_second_factor=second_factor)
        _show_user(settings, name, uri, "rotated", as_json)


@users_app.command("sign-out")
def sign_out_user(name: Name) -> None:
    """End a user's sessions; the user may sign in again.

    For example: slipway users sign-out anna
    """
    with command() as settings:
        from slipway.access import users

        users.sign_out(settings.home, name)
        _administered(settings, "sign user out", name)
        say(f"{name} is signed out")


@users_app.command("unlock")
def unlock_user(name: Name) -> None:
    """Forget a user's wrong passwords, so that the user may try again at once.

    For example: slipway users unlock anna
    """
    with command() as settings:
        from slipway.access import users

        users.known(settings.home, name)
        _administered(settings, "unlock user", name)
        users.unlock(settings.home, name)
        say(f"{name} may try again")


@users_app.command("revoke")
def revoke_user(name: Name) -> None:
    """Take a user away, and end the sessions.

    For example: slipway users revoke anna
    """
    with command() as settings:
        from slipway.access import users

        users.revoke(settings.home, name)
        _administered(settings, "revoke user", name)
        say(f"user {name} is revoked")


@keys_app.command("add")
def add_key(
    name: Name,
    role: Roles,
    days: Annotated[float | None, typer.Option(min=0.001, help="Days until it expires; never if left out.")] = None,
    owner: Annotated[str, typer.Option(metavar="USER", help="The user whose page at /account lists it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once.

    For example: slipway keys add clinic-erp --role predict:heart-failure --days 365
    """
    with command(as_json) as settings:
        from slipway.access import keys, users

        grants = _grants(role)
        keys.require_allowed(grants)
        keys.require_new(settings.home, name)
        if owner:
            users.known(settings.home, owner)
        limits = f"{f'; for {days:g} days' if days else ''}{f'; of user {owner}' if owner else ''}"
        _administered(settings, "add key", f"{name}: {_listed(grants)}{limits}")
        key = keys.issue(settings.home, name, grants, days, owner)
        _show_key(name, key, as_json)


@keys_app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys' names and what they may do.

    For example: slipway keys list --json
    """
    with command(as_json) as settings:
        none = "there are no keys; `slipway keys add NAME --role predict` makes one, `slipway up` its own."
        show_rows(key_rows(settings.home), as_json, none)


@keys_app.command("roles")
def key_roles(name: Name, role: Roles) -> None:
    """Replace what the holder of a key may do.

    For example: slipway keys roles clinic-erp --role predict --role outcome
    """
    with command() as settings:
        from slipway.access import keys

        grants = _grants(role)
        keys.require_allowed(grants)
        keys.known(settings.home, name)
        _administered(settings, "change key's roles", f"{name}: {_listed(grants)}")
        keys.grant(settings.home, name, grants)
        say(f"{name} may now: {_listed(grants)}")


@keys_app.command("rotate")
def rotate_key(name: Name, as_json: AsJson = False) -> None:
    """Replace a key by a new one, shown this once; the old one stops working within a second.

    For example: slipway keys rotate clinic-erp
    """
    with command(as_json) as settings:
        from slipway.access import keys

        keys.known(settings.home, name)
        _administered(settings, "rotate key", name)
        key = keys.rotate(settings.home, name)
        _show_key(name, key, as_json)


@keys_app.command("revoke")
def revoke_key(name: Name) -> None:
    """End a key.

    For example: slipway keys revoke clinic-erp
    """
    with command() as settings:
        from slipway.access import keys

        keys.revoke(settings.home, name)
        _administered(settings, "revoke key", name)
        say(f"key {name} is revoked")


def _grants(roles: list[str]) -> list[Grant]:
    from slipway.access.callers import Grant
    from slipway.catalogue import listings

    grants = {Grant.parse(role) for role in roles}
    models = listings()
    for grant in grants:
        if grant.model is not None and grant.model not in models.left_out:
            models.served(grant.model)
    return sorted(grants, key=str)


def _listed(grants: list[Grant]) -> str:
    return ", ".join(map(str, grants))


def _show_user(settings: Settings, name: str, uri: str | None, done: str, as_json: bool) -> None:
    """Show what was done and, if the user has a new second factor, its address and new recovery codes."""
    from slipway.access import users

    codes = users.renew_recovery_codes(settings.home, name) if uri else []
    if as_json:
        show_json({"name": name, "second_factor_uri": uri, "recovery_codes": codes})
        return
    say(f"user {name} is {done}")
    if uri:
        show_second_factor(uri, codes)


def _show_key(name: str, key: str, as_json: bool) -> None:
    if as_json:
        show_json({"name": name, "key": key})
        return
    say(f"the key of {name}; it is not shown again:")
    typer.echo(key)


def _administered(settings: Settings, what: str, about: str) -> None:
    """Log a command. What gives access is logged before it is done, so none is given unlogged; what takes it away is done first."""
    from slipway.audit import record_act
    from slipway.audit.acts import myself

    record_act(settings.audit_url or settings.home, myself(), what, about)
