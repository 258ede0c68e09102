"""A new second factor on the terminal: a QR code for a person, the address and the recovery codes for programs too."""

from __future__ import annotations

import sys

import typer

from deployments.terminal.output import say


def show_second_factor(uri: str, codes: list[str]) -> None:
    """Print what the user's app needs, this once; the QR code only where a person sees it."""
    say("Give this to the user's authenticator app, as text or as a QR code; it is not shown again:")
    if sys.stderr.isatty():
        draw(uri)
    typer.echo(uri)
    typer.echo(f"recovery codes, each valid once in place of a code of the app: {' '.join(codes)}")


def draw(uri: str) -> None:
    """Draw a QR code, small enough for a terminal of 24 lines."""
    import segno

    segno.make(uri, error="l", micro=False).terminal(sys.stderr, border=2, compact=True)
