"""CSV in UTF-8: column names in the first line, cells as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from itertools import islice

from slipway.gateway.replies import BAD_REQUEST, RequestError

LONGEST_LINE = 64 * 1024  # bytes of the first line that are looked at
SEPARATORS = (";", "\t", "|")


def read(body: bytes, most: int) -> tuple[list[str], list[list[str]]]:
    """Return the names and the rows, at most `most` + 1 of them, so that the caller sees if there are too many.

    Raises:
        RequestError: 400, the body is empty or not CSV in UTF-8.
    """
    try:
        reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        lines = list(islice((line for line in reader if line and not _is_blank(line)), most + 2))
    except (csv.Error, UnicodeDecodeError) as error:
        raise RequestError(400, BAD_REQUEST, f"the body is not valid CSV in UTF-8: {error}.") from None
    if not lines:
        raise RequestError(400, BAD_REQUEST, "the body is empty; expected CSV with the column names in the first line.")
    return lines[0], lines[1:]


def other_separator(body: bytes, known: Iterable[str]) -> RequestError | None:
    """Return the error for a body whose first line has known names between other separators than commas."""
    first, columns = body[:LONGEST_LINE].partition(b"\n")[0].decode("utf-8-sig", "replace"), set(known)
    for separator in SEPARATORS:
        if len(names := first.split(separator)) > 1 and columns & {name.strip(' "\r') for name in names}:
            message = f"expected commas between the columns, received {separator!r}; numbers need a point, not a comma."
            return RequestError(400, BAD_REQUEST, message)
    return None


def _is_blank(line: list[str]) -> bool:
    """Return whether a line has only blanks, which MLflow leaves out too."""
    return len(line) == 1 and line[0].isspace()
