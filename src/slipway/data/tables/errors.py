"""A file that is not the table that a model's file declares."""

from __future__ import annotations


class TableError(Exception):
    """What is wrong with a file as a whole. Each reason is a sentence that begins with a small letter or the file's name."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = list(reasons)
