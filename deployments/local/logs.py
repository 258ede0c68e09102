"""The last lines of a program's log, from the moment that matters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SHOWN_LINES = 15
TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class Mark:
    """A place in a log: what was written before it belongs to an earlier start."""

    path: Path
    offset: int = 0

    @classmethod
    def now(cls, path: Path) -> Mark:
        return cls(path, path.stat().st_size if path.exists() else 0)

    def lines(self) -> list[str]:
        """Return the lines written since the mark, of at most the last 64 KiB; none if the log does not exist."""
        if not self.path.exists():
            return []
        size = self.path.stat().st_size
        start = self.offset if self.offset <= size else 0  # shorter than at the mark: it was rotated
        with self.path.open("rb") as log:
            log.seek(max(start, size - TAIL_BYTES))
            return [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]

    def excerpt(self) -> str:
        """Return the last lines since the mark, indented, under the log's address."""
        lines = self.lines()[-SHOWN_LINES:] or ["(nothing was written)"]
        return "\n".join([f"  last lines of {self.path}:", *(f"    {line}" for line in lines)])
