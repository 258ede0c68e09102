"""Folders that only their owner may read."""

from __future__ import annotations

from pathlib import Path


def private_folder(folder: Path) -> Path:
    """Make a folder and its missing parents, all for their owner only; existing folders stay as they are."""
    for missing in [one for one in (*reversed(folder.parents), folder) if not one.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)  # another process may make it at the same time
    return folder
