"""Folders for what only its owner may read."""

from __future__ import annotations

from pathlib import Path


def private_folder(folder: Path) -> Path:
    """Make a folder and those above it that are missing, all for their owner only; what is there already stays as it is."""
    for missing in [one for one in (*reversed(folder.parents), folder) if not one.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)  # another process may be as far
    return folder
