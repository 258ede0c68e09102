"""`slipway certs`: a certificate for trying out TLS."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.terminal.printing import err, out, show_json
from slipway.errors import SlipwayError
from slipway.settings import home_folder

if TYPE_CHECKING:
    from slipway.certificates.trial import CertificateFiles


def certs(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Host names and IP addresses; this machine's own if left out.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Where the files are kept; `certificates` in the home folder if left out.")] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Make a new server certificate, also while the present one is valid.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")] = False,
) -> None:
    """Make a local authority and a server certificate of it, or show those that are there and when they end.

    For trying out: clients must be told to trust authority.pem. The key files are readable by their owner only.

    For example: slipway certs gateway.example 10.0.0.5
    """
    from slipway.certificates.trial import NAMES, authority, server

    try:
        where = (folder or home_folder() / "certificates").absolute()
        pairs = {"authority": authority(where), "server": server(where, tuple(names or NAMES), renew=renew)}
    except SlipwayError as error:
        if as_json:
            show_json({"error": type(error).__name__, "message": str(error)})
        err.print(f"error: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(1) from None
    if as_json:
        show_json({kind: _shown(pair) for kind, pair in pairs.items()})
    else:
        _tell(pairs)


def _tell(pairs: dict[str, CertificateFiles]) -> None:
    for kind, pair in pairs.items():
        days = (pair.ends_at - datetime.now(UTC)).days
        of = f" for {', '.join(pair.names)}" if pair.names else ""
        state = "made" if pair.made else "is there"
        out.print(f"{kind}: {state}{of}, ends {pair.ends_at:%Y-%m-%d} (in {days} days): {pair.certificate}", markup=False, soft_wrap=True)
    lines = (
        f"SLIPWAY_TLS_CERTIFICATE={pairs['server'].certificate}",
        f"SLIPWAY_TLS_KEY={pairs['server'].key}",
        f"SLIPWAY_TLS_AUTHORITY={pairs['authority'].certificate}",
    )
    out.print("\nIn .env, to serve with it:\n" + "\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _shown(pair: CertificateFiles) -> dict[str, Any]:
    return {
        "certificate": str(pair.certificate),
        "key": str(pair.key),
        "names": pair.names,
        "ends_at": pair.ends_at.isoformat(),
        "made": pair.made,
    }
