"""The form for a file of rows, and the file itself: answered at once, or handed to a run of the flow `score` if it is large."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from slipway.gateway.bodies.sizes import ALLOWED
from slipway.gateway.bodies.uploads import Upload
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import ShownError, redirect, show
from slipway.gateway.endpoints.files.programs import perform
from slipway.gateway.endpoints.files.results import finish
from slipway.gateway.endpoints.files.rows_of_file import NoGoodRowError, RowsOfFile, reserved
from slipway.gateway.endpoints.predict import scored_rows
from slipway.gateway.endpoints.sessions import log_act
from slipway.gateway.endpoints.version import of_version
from slipway.gateway.openapi.schemas import example_row
from slipway.gateway.parts import Parts
from slipway.gateway.replies import BAD_REQUEST, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.files.columns import BETWEEN, example_file, needed_columns
from slipway.pages.files.refusals import wrong_columns, wrong_file
from slipway.pages.files.results import counted, download_name, short_name, size_of
from slipway.pages.moments import moment
from slipway.pages.prediction.numbers import SEPARATOR
from slipway.pages.prediction.words import Vocabulary
from slipway.pages.rendering import FieldError
from slipway.pages.runs import StartedRun
from slipway.pages.texts import text
from slipway.rows.subjects import SUBJECT, takes_no_subject
from slipway.rows.uploads import PREDICTIONS, ROWS, UPLOADED, Mark, ReadFile, Reading, ReadTask, WrongFile

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment

CSV = b"text/csv; charset=utf-8"
MOST_KEPT, MOST_RUNS = 20, 2  # files of one person, and those that a run works on
MOST_ROWS = 10_000_000
MARKS: dict[str, Mark] = {"point": ".", "comma": ","}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file: a sentence for the page, and lines below it."""

    sentence: str
    lines: Sequence[str] = ()


@of_version
async def file_form(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    return await _form(parts, call, deployment)


@of_version
async def example_rows(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    """Answer with an invented file that the form takes."""
    words = Vocabulary(deployment.contract, deployment.words, language_of(parts, call.request))
    name = download_name(f"{call.model}.", "example")
    content = example_file(words, example_row(deployment.contract))
    return Reply(200, content, CSV, ((b"content-disposition", f'attachment; filename="{name}"'.encode()),))


@of_version
async def send_file(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    """Take a file, and lead to its result. Of a file that is refused, nothing stays."""
    if call.file is None or call.caller is None:
        raise RuntimeError("a form with a file needs a route that says so.")
    language, owner = language_of(parts, call.request), str(call.caller)
    if problem := await _not_now(parts, owner, call):
        raise await _refused(parts, call, deployment, Problem(problem))
    async with parts.uploads.new(owner) as folder:
        size = await call.file.store(folder / UPLOADED)
        if not (call.file.name and size):
            raise await _refused(parts, call, deployment, Problem(text(language, "files.no_file" if not size else "files.wrong_empty")))
        read = await _read(parts, call, deployment, folder)
        typed = not read.separator
        upload = Upload(
            id=folder.name,
            owner=owner,
            model=call.model,
            name=short_name(call.file.name),
            size=size,
            rows=read.rows,
            created=time.time(),
            language=language,
            separator=BETWEEN[language] if typed else read.separator,
            decimal=read.decimal or (cast(Mark, SEPARATOR[language]) if typed or read.separator != "," else "."),
            contract=deployment.contract,
        )
        await log_act(parts.log, owner, "uploaded a file", f"{call.model}: {upload.name}, {size:,} bytes, {read.rows:,} rows")
        if read.rows <= ALLOWED.rows and read.size <= ALLOWED.body:
            await _answer(parts, call, deployment, folder, upload)
            (folder / ROWS).unlink()
        else:
            upload.run = await _start(parts, folder, upload)
        (folder / UPLOADED).unlink()
        await asyncio.to_thread(parts.uploads.save, upload)
    return redirect(call.request, f"/files/{call.model}/result?id={upload.id}")


async def _not_now(parts: Parts, owner: str, call: Call) -> str:
    """Return why this person may not send another file at the moment, "" if there is no reason."""
    language, known = language_of(parts, call.request), await asyncio.to_thread(parts.uploads.of, owner)
    if len(known) >= MOST_KEPT:
        return text(language, "files.too_many_kept", number=MOST_KEPT)
    if sum(one.waits for one in known) >= MOST_RUNS:
        return text(language, "files.too_many_runs", number=MOST_RUNS)
    return ""


async def _read(parts: Parts, call: Call, deployment: Deployment, folder: Path) -> ReadFile:
    contract = deployment.contract
    task = ReadTask(
        needed=tuple(column.name for column in contract.columns),
        numeric=tuple(column.name for column in contract.columns if column.is_number),
        decimal=MARKS.get(call.form.get("decimal"), ""),
        language=language_of(parts, call.request),
        most_rows=MOST_ROWS,
    )
    found: Reading = await perform(parts.uploads.places, "read", folder, task, Reading) or WrongFile("too_large")  # type: ignore[arg-type]
    if isinstance(found, ReadFile):
        others = set(found.names) - set(task.needed)
        if not (taken := sorted(others & reserved(contract))):
            return found
        found = WrongFile("reserved", tuple(taken))
    words = Vocabulary(contract, deployment.words, language_of(parts, call.request))
    raise await _refused(parts, call, deployment, Problem(wrong_file(words, found), wrong_columns(words, found)))


async def _answer(parts: Parts, call: Call, deployment: Deployment, folder: Path, upload: Upload) -> None:
    """Answer the rows as a request of the API is answered: the same checks, places, split between versions and log."""
    rows, body = RowsOfFile(), await asyncio.to_thread((folder / ROWS).read_bytes)
    try:
        scored = await scored_rows(rows.decode, deployment, parts, call, body)
    except NoGoodRowError:
        scored = None
    answered = call.deployment or deployment
    upload.contract = answered.contract
    await asyncio.to_thread(rows.write, folder, scored, answered.contract, call.request.id)
    upload.finished = await finish(parts, upload, answered)


async def _start(parts: Parts, folder: Path, upload: Upload) -> str:
    """Start the run of a large file, and return its id."""
    started = await parts.operations.ask(
        "start_run",
        StartedRun,
        deployment=f"score/{upload.model}",
        parameters={"source": str(folder / ROWS), "destination": str(folder / PREDICTIONS)},
        who=upload.owner,
        once=upload.id,
    )
    return started.id


async def _refused(parts: Parts, call: Call, deployment: Deployment, problem: Problem) -> ShownError:
    page = await _form(parts, call, deployment, problem)
    return ShownError(RequestError(400, BAD_REQUEST, "expected a file of rows that can be read."), page)


async def _form(parts: Parts, call: Call, deployment: Deployment, problem: Problem | None = None) -> Reply:
    language = language_of(parts, call.request)
    words = Vocabulary(deployment.contract, deployment.words, language)
    kept = [one for one in await asyncio.to_thread(parts.uploads.of, str(call.caller)) if one.model == call.model]
    return await show(
        parts,
        call,
        "files/form.html",
        status=400 if problem else 200,
        path=f"/files/{call.model}",
        words=words,
        columns=needed_columns(words),
        errors=[FieldError("file", problem.sentence)] if problem else [],
        lines=list(problem.lines) if problem else [],
        decimal=call.form.get("decimal"),
        marks=[(mark, text(language, f"files.decimal_{mark or 'recognised'}")) for mark in ("", *MARKS)],
        subject="" if takes_no_subject(deployment.contract) else SUBJECT,
        largest=size_of(parts.configuration.max_upload_bytes, language),
        at_once=counted(ALLOWED.rows, language),
        kept=[(one, counted(one.rows, language), moment(language, one.created)) for one in kept],
    )
