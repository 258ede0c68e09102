"""`slipway challenge`: a version is tried beside the one in service, in shadow or on a share of the requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal.command import AsJson, ModelArgument, command
from deployments.terminal.output import say, show_json

if TYPE_CHECKING:
    from slipway.settings import Settings


def challenge(
    name: ModelArgument,
    version: Annotated[int | None, typer.Option(min=1, metavar="N", help="The registered version to try.")] = None,
    share: Annotated[
        float, typer.Option(metavar="SHARE", help="The fraction of requests that it answers, from 0 to less than 1; 0: none, in shadow.")
    ] = 0.0,
    end: Annotated[bool, typer.Option("--end", help="End the challenge.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try a version beside the one in service. Both are asked about the same rows; `slipway audit show --shadows` compares.

    In shadow, callers get the answers of the version in service only. With a share, each request is answered by one of the two.

    For example: slipway challenge heart-failure --version 3 --share 0.1
    """
    if end == (version is not None):
        raise typer.BadParameter("give the version to try, or --end.", param_hint="--version")
    if not 0 <= share < 1:
        raise typer.BadParameter(
            f"expected a number from 0 to less than 1, received {share:g}; `slipway release` has a version answer all requests.",
            param_hint="--share",
        )
    with command(as_json, changing=[name]) as settings:
        from slipway.catalogue import listings

        listings().served(name)
        if version is None:
            _end(name, settings, as_json)
        else:
            _begin(name, version, share, settings, as_json)


def _begin(name: str, version: int, share: float, settings: Settings, as_json: bool) -> None:
    say(f"challenge of {name}: version {version} is fetched from the registry")

    from slipway.catalogue import served
    from slipway.lifecycle import challenge
    from slipway.lifecycle.locking import exclusive
    from slipway.tracking import registry
    from slipway.tracking.connection import connect

    spec = served(name)
    with exclusive(name, settings), registry.bundle_of(connect(settings), spec.registered_as, version) as bundle:
        made = challenge.begin(spec, bundle, share, settings)
    if as_json:
        show_json({"model": name, "version": version, "run_id": bundle.contract.run_id, "installation": made.installation, "share": share})
    else:
        say(f"{name}: version {version} is the challenger: {challenge.how(share)}")


def _end(name: str, settings: Settings, as_json: bool) -> None:
    say(f"challenge of {name}: ending it")

    from slipway.catalogue import served
    from slipway.lifecycle import challenge
    from slipway.lifecycle.locking import exclusive

    spec = served(name)
    with exclusive(name, settings):
        ended = challenge.end(spec, settings)
    if as_json:
        show_json({"model": name, "ended": ended})
    else:
        say(f"{name}: the challenge is ended" if ended else f"{name} has no challenger")
