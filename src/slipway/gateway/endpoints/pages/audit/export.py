"""The lines that a search finds as a download of any length: read some at a time, and sent while the next ones are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

from slipway.audit import Line
from slipway.audit.by_id import rows_of_request
from slipway.audit.databases.excerpts import Spot
from slipway.audit.databases.tables import Store
from slipway.audit.ground_truth import histories
from slipway.audit.search import LoggedRequest, Search
from slipway.gateway.endpoints.pages.audit.reading import read_log
from slipway.gateway.endpoints.pages.audit.search import EXPORTED, TABLES, form_of, logged_search, require_right_form
from slipway.gateway.parts import Parts
from slipway.gateway.replies import BAD_REQUEST, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.audit.export import CONTENT_TYPES, FORMATS, Format, Record, beginning, columns_of, part, record_of
from slipway.pages.audit.search_form import Kind

AT_ONCE = 500


async def export_audit_log(parts: Parts, call: Call) -> Reply:
    """Send all lines of a search as a file. That they were exported is logged before."""
    form, format = form_of(call.form), next((one for one in FORMATS if one == call.form.get("format")), None)
    if format is None:
        raise RequestError(400, BAD_REQUEST, f"expected the format {' or '.join(FORMATS)}, received {call.form.get('format')[:40]!r}.")
    await require_right_form(parts, call, form)
    search = await logged_search(parts, call, form, EXPORTED)
    name = f"audit-{form.kind}-{datetime.now().astimezone():%Y%m%d-%H%M%S}.{format}"
    disposition = (b"content-disposition", f'attachment; filename="{name}"'.encode())
    return Reply(200, b"", CONTENT_TYPES[format], (disposition,), parts=_file(parts, form.kind, search, format))


async def _file(parts: Parts, kind: Kind, search: Search, format: Format) -> AsyncIterator[bytes]:
    yield beginning(format, columns_of(kind))
    spot: Spot | None = None
    while True:
        content, spot = await read_log(parts, lambda store, spot=spot: _part(store, kind, search, spot, format))  # type: ignore[misc]
        yield content
        if spot is None:
            return


def _part(store: Store, kind: Kind, search: Search, spot: Spot | None, format: Format) -> tuple[bytes, Spot | None]:
    """Return the next lines as a part of the file, and where to go on."""
    most = 1 if kind == "requests" else AT_ONCE  # one request may have a hundred thousand rows
    found = TABLES[kind](store, search, spot, most)
    return part(format, _records(store, found.lines)), found.older


def _records(store: Store, found: list[object]) -> Iterator[Record]:
    lines = [row for one in found for row in (rows_of_request(store, one.request_id) if isinstance(one, LoggedRequest) else [one])]
    ids = [line.prediction_id for line in lines if isinstance(line, Line)]
    outcomes = {
        id: history for begin in range(0, len(ids), AT_ONCE) for id, history in histories(store, ids[begin : begin + AT_ONCE]).items()
    }
    for line in lines:
        yield record_of(line, outcomes.get(line.prediction_id, ()) if isinstance(line, Line) else ())  # type: ignore[arg-type]
