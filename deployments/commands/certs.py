"""`slipway certs`: a certificate for trying out TLS."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.terminal.command import AsJson, fail, wrong_settings
from deployments.terminal.output import show, show_json
from slipway.errors import SlipwayError
from slipway.files.storage import storage_error

if TYPE_CHECKING:
    from slipway.certificates.trial import CertificateFiles


def certs(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Host names and IP addresses; this machine's own if left out.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Where the files are kept; `certificates` in the home folder if left out.")] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Make a new server certificate, also while the present one is valid.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a local authority and a server certificate of it, or show the existing ones and when they end.

    For trying out: clients must be set to trust authority.pem. The key files are readable by their owner only.

    For example: slipway certs gateway.example 10.0.0.5
    """
    from pydantic import ValidationError

    from slipway.certificates.trial import NAMES, authority, server
    from slipway.settings import home_folder

    try:  # not as other commands: the settings may name certificates that are yet to be made
        where = (folder or home_folder() / "certificates").absolute()
        pairs = {"authority": authority(where), "server": server(where, tuple(names or NAMES), renew=renew)}
    except SlipwayError as error:
        fail(type(error).__name__, str(error), as_json)
    except ValidationError as error:
        fail("SettingsError", wrong_settings(error), as_json)
    except OSError as error:
        if found := storage_error(error, where):
            fail(type(found).__name__, str(found), as_json)
        raise
    if as_json:
        show_json({kind: _described(pair) for kind, pair in pairs.items()})
    else:
        _show(pairs)


def _show(pairs: dict[str, CertificateFiles]) -> None:
    for kind, pair in pairs.items():
        days = (pair.ends_at - datetime.now(UTC)).days
        of = f" for {', '.join(pair.names)}" if pair.names else ""
        show(f"{kind}: {'made' if pair.made else 'is there'}{of}, ends {pair.ends_at:%Y-%m-%d} (in {days} days): {pair.certificate}")
    show("\nIn .env, to serve with it:")
    show(f"SLIPWAY_TLS_CERTIFICATE={pairs['server'].certificate}")
    show(f"SLIPWAY_TLS_KEY={pairs['server'].key}")
    show(f"SLIPWAY_TLS_AUTHORITY={pairs['authority'].certificate}")


def _described(pair: CertificateFiles) -> dict[str, Any]:
    return {
        "certificate": str(pair.certificate),
        "key": str(pair.key),
        "names": pair.names,
        "ends_at": pair.ends_at.isoformat(),
        "made": pair.made,
    }
