"""`slipway models`: what the catalogue has."""

from __future__ import annotations

from typing import Annotated

import typer

from deployments.terminal.failing import told
from deployments.terminal.printing import show_json, show_table


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")] = False,
) -> None:
    """List the models there are, and where each is served.

    For example: slipway models --json
    """
    with told(as_json) as settings:
        from slipway.catalogue import listings, port_of

        rows = [
            {
                "name": spec.name,
                "registered_as": spec.registered_as,
                "port": port_of(spec, settings),
                "metric": spec.metric,
                "floor": spec.floor,
                "challenges": spec.challenges,
                "description": spec.description,
            }
            for spec in listings().values()
        ]
        if as_json:
            show_json(rows)
        else:
            show_table(
                ("model", "registered as", "port", "gate", "what it says"),
                [
                    (
                        row["name"],
                        row["registered_as"],
                        row["port"],
                        f"{row['metric']} >= {row['floor']}",
                        f"{row['description']} Challenges {row['challenges']}." if row["challenges"] else row["description"],
                    )
                    for row in rows
                ],
            )
