"""`slipway backup` and `slipway restore`: the home folder into one file, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from deployments.terminal.failing import told
from deployments.terminal.printing import err, follow_slipway, show_json
from slipway.errors import PlatformError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")]


def backup(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to; slipway-<time>.tar.gz if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Copy the home folder into one file: ledger, registry, models, audit log, users and keys. The platform may run.

    The file holds credentials and the keys of subject ids: keep it where only operators read.

    For example: slipway backup /backups/slipway-monday.tar.gz
    """
    with told(as_json) as settings:
        from slipway.backup import back_up

        follow_slipway()
        target = file or Path(f"slipway-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz")
        made = back_up(settings, target)
        size = target.stat().st_size
        if as_json:
            show_json({"file": str(target), "bytes": size, "files": len(made.files), "elsewhere": made.elsewhere})
            return
        err.print(f"{target}: {len(made.files)} files of {settings.home}, {size / 1e6:.1f} MB", markup=False, highlight=False)
        for name in made.elsewhere:
            err.print(f"not in it, because it is in another system: what {name} names", markup=False, highlight=False)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `slipway backup` made.")],
    replace: Annotated[bool, typer.Option("--replace", help="Move the home folder that is there aside.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back as the home folder. The platform must be down, and every file is compared with its checksum first.

    For example: slipway down && slipway restore /backups/slipway-monday.tar.gz --replace && slipway up
    """
    with told(as_json) as settings:
        from deployments import local
        from slipway.backup import restore as put_back

        follow_slipway()
        if local.running(settings):
            raise PlatformError(f"the platform of {settings.home} runs. Stop it with `slipway down`, then restore.")
        made, aside = put_back(file, settings.home, replace=replace)
        if as_json:
            show_json({"home": str(settings.home), "made_at": made.made_at, "files": len(made.files), "before": aside and str(aside)})
            return
        err.print(f"{settings.home}: {len(made.files)} files, as of {made.made_at}", markup=False, highlight=False)
        if aside:
            err.print(f"what was there before is in {aside}", markup=False, highlight=False)
