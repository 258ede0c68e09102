"""CSV in UTF-8: column names in the first line, cells as text."""

from __future__ import annotations

import csv
import io
from itertools import islice

from slipway.gateway.replies import BAD_REQUEST, RequestError


def read(body: bytes, most: int) -> tuple[list[str], list[list[str]]]:
    """Return the names and the rows, at most `most` + 1 of them, so that the caller sees if there are too many.

    Raises:
        RequestError: 400, the body is empty or not CSV in UTF-8.
    """
    try:
        reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        lines = list(islice((line for line in reader if line), most + 2))
    except (csv.Error, UnicodeDecodeError) as error:
        raise RequestError(400, BAD_REQUEST, f"the body is not valid CSV in UTF-8: {error}.") from None
    if not lines:
        raise RequestError(400, BAD_REQUEST, "the body is empty; expected CSV with the column names in the first line.")
    return lines[0], lines[1:]
