"""`slipway models`: the models of the catalogue."""

from __future__ import annotations

from deployments.terminal.command import AsJson, command
from deployments.terminal.output import say_error, show_json, show_table


def models(as_json: AsJson = False) -> None:
    """List the models, and the port of each; and say what is wrong with files that are left out.

    For example: slipway models --json
    """
    with command(as_json) as settings:
        from slipway.catalogue import listings, port_of

        catalogue = listings()
        found = catalogue.values()
        if as_json:
            show_json(
                [
                    {
                        "name": model.name,
                        "registered_as": model.registered_as,
                        "port": port_of(model, settings),
                        "metric": model.metric,
                        "floor": model.floor,
                        "challenges": model.challenges,
                        "description": model.description,
                    }
                    for model in found
                ]
            )
        else:
            show_table(
                ("model", "registered as", "port", "gate", "description"),
                [
                    (
                        model.name,
                        model.registered_as,
                        port_of(model, settings),
                        f"{model.metric} {'<=' if model.lower_is_better else '>='} {model.floor}",
                        f"{model.description} Challenges {model.challenges}." if model.challenges else model.description,
                    )
                    for model in found
                ],
            )
        for wrong in catalogue.left_out.values():
            say_error(f"left out: {wrong}")
