"""A new password, typed by a person at the terminal or sent by a script."""

from __future__ import annotations

import sys

import typer

from slipway.errors import SlipwayError


def new_password(name: str, from_stdin: bool) -> str:
    """Return a password that is strong enough for a user.

    Raises:
        SlipwayError: There is neither a terminal to ask at nor a script that sends it.
        slipway.access.passwords.WeakPasswordError: It is easy to guess.
    """
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    else:
        raise SlipwayError("a password is asked for on a terminal, and this is none: give --password-stdin to read it from the input.")
    from slipway.access import passwords

    passwords.require_strong(name, password)
    return password
