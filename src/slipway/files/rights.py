"""Who may write a file: what every user of the machine may change must not be run as code."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def open_to_all(path: Path) -> Path | None:
    """Return what every user may write among a file, the folder it is in and the folders above; None if there is nothing.

    Links are followed. In a sticky folder, as /tmp, nobody can replace what belongs to another, so it counts only as the file's own folder,
    where anybody could add files.
    """
    for begin in dict.fromkeys((Path(os.path.realpath(path)), Path(os.path.abspath(path)))):
        for depth, place in enumerate((begin, *begin.parents)):
            mode = place.stat().st_mode
            if mode & stat.S_IWOTH and not (depth > 1 and mode & stat.S_ISVTX):
                return place
    return None
