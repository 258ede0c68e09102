"""`slipway backup` and `slipway restore`: the home folder into one file, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from deployments.terminal.command import AsJson, command
from deployments.terminal.output import follow_slipway, say, show_json
from slipway.errors import PlatformError


def backup(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to; slipway-<time>.tar.gz if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Copy the home folder into one file: ledger, registry, models, audit log, users and keys. The platform may run.

    The file holds credentials and the keys of subject ids: keep it where only operators read.

    For example: slipway backup /backups/slipway-monday.tar.gz
    """
    with command(as_json) as settings:
        target = file or Path(f"slipway-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz")
        say(f"backup of {settings.home} into {target}")

        from slipway.backup import back_up

        follow_slipway()
        made = back_up(settings, target)
        size = target.stat().st_size
        if as_json:
            show_json({"file": str(target), "bytes": size, "files": len(made.files), "elsewhere": made.elsewhere})
            return
        say(f"{target}: {len(made.files)} files of {settings.home}, {size / 1e6:.1f} MB")
        for name in made.elsewhere:
            say(f"not in it, because it is in another system: what {name} names")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `slipway backup` made.")],
    replace: Annotated[bool, typer.Option("--replace", help="Move the home folder that is there aside.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back as the home folder. The platform must be down, and every file is compared with its checksum first.

    For example: slipway down && slipway restore /backups/slipway-monday.tar.gz --replace && slipway up
    """
    with command(as_json) as settings:
        say(f"restore of {file} as {settings.home}")

        from deployments import local
        from slipway.backup import restore as put_back

        follow_slipway()
        if local.running(settings):
            raise PlatformError(f"the platform of {settings.home} runs. Stop it with `slipway down`, then restore.")
        made, aside = put_back(file, settings.home, replace=replace)
        if as_json:
            show_json({"home": str(settings.home), "made_at": made.made_at, "files": len(made.files), "before": aside and str(aside)})
            return
        say(f"{settings.home}: {len(made.files)} files, as of {made.made_at}")
        if aside:
            say(f"what was there before is in {aside}")
