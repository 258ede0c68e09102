"""How `--help` lists commands."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import typer
from typer.core import TyperGroup


class Groups(TyperGroup):
    """Lists commands by what they are for, each with its whole first sentence.

    Typer groups only what Rich prints, and Rich takes as long to import as all the rest.
    """

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for panel, commands in groupby(self.commands.items(), key=lambda named: named[1].rich_help_panel):  # type: ignore[attr-defined]
            with formatter.section(panel or "Commands"):
                formatter.write_dl([(name, command.get_short_help_str(limit=1_000)) for name, command in commands])


def group(name: str, help: str) -> typer.Typer:
    """Return a command that consists of commands; without one of them it shows its help."""
    return typer.Typer(name=name, help=help, cls=Groups, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
