"""One line of the log, opened. That it was opened is logged before it is shown, and once more before the id of its person is."""

from __future__ import annotations

from pathlib import Path

from slipway.audit import Line
from slipway.audit.by_id import explanations_of, lines, shadows_of
from slipway.audit.databases.sqlite import PATIENCE
from slipway.audit.databases.tables import Store
from slipway.audit.disclosure import reveal
from slipway.audit.ground_truth import histories
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import show
from slipway.gateway.endpoints.pages.audit.reading import in_thread, log_place, read_log, vocabularies
from slipway.gateway.endpoints.pages.session import session_of
from slipway.gateway.endpoints.sessions import log_act
from slipway.gateway.parts import Parts
from slipway.gateway.replies import NOT_FOUND, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.audit.details import LoggedRow, shown_row
from slipway.pages.audit.search_form import NAMES, SearchForm
from slipway.rows.claims import ID

OPENED = "opened a line of the audit log"


async def open_line(parts: Parts, call: Call) -> Reply:
    """Open the line of a form; `reveal` shows the id of its person too."""
    form = SearchForm({name: call.form.get(name) for name in NAMES if name != "prediction"})
    return await show_line(parts, call, call.form.get("line"), form, revealed=bool(call.form.get("reveal")))


async def show_line(parts: Parts, call: Call, id: str, form: SearchForm, *, revealed: bool = False) -> Reply:
    """Show a line of a model that this person may see. `form` is the search to return to.

    Raises:
        RequestError: 404, there is no such line; 503, the log cannot be read, or it cannot be logged that it is.
    """
    language, caller = language_of(parts, call.request), session_of(call).caller
    row = await read_log(parts, lambda store: _read(store, id)) if ID.fullmatch(id) else None
    if row is None or not caller.may("audit", row.line.model):
        raise RequestError(404, NOT_FOUND, f"{caller}: expected the id of a prediction in the log that you may read, received {id[:80]!r}.")
    await log_act(parts.log, str(caller), OPENED, id)
    subject = await _revealed(parts, str(caller), row.line) if revealed else ""
    words = await vocabularies(parts, [row.line], language)
    return await show(
        parts,
        call,
        "audit/line.html",
        path="/audit",
        errors=[],
        id=id,
        form=form,
        details=shown_row(row, words[id], language),
        has_subject=bool(row.line.subject),
        subject=subject,
    )


def _read(store: Store, id: str) -> LoggedRow | None:
    line = lines(store, [id]).get(id)
    if line is None:
        return None
    return LoggedRow(line, explanations_of(store, [id]).get(id), shadows_of(store, [id]).get(id), histories(store, [id]).get(id, []))


async def _revealed(parts: Parts, who: str, line: Line) -> str:
    found = await in_thread(parts, lambda: reveal(Path(parts.configuration.home), log_place(parts), who, [line], PATIENCE))
    return found.get(line.prediction_id, "")
