"""The result of an uploaded file: how far its run is, what came of its rows, and the files to download. Only its owner sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from slipway.gateway.bodies.uploads import Upload
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import redirect, show
from slipway.gateway.endpoints.files.programs import perform
from slipway.gateway.endpoints.pages.front import query_value
from slipway.gateway.endpoints.sessions import log_act
from slipway.gateway.endpoints.version import of_version
from slipway.gateway.parts import Parts
from slipway.gateway.replies import NOT_FOUND, Header, Reply, RequestError, unavailable
from slipway.gateway.routing import Call
from slipway.pages.files.results import counted, download_name, shown_result, size_of
from slipway.pages.moments import moment
from slipway.pages.prediction.words import Vocabulary
from slipway.pages.runs import StartedRun
from slipway.rows.uploads import PREDICTIONS, ROWS, SHOWN_PREDICTIONS, SHOWN_REJECTED, FinishedFile, FinishTask

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment

CSV = b"text/csv; charset=utf-8"
PART = 256 * 1024  # bytes that are sent at a time
REFRESH: Header = (b"refresh", b"5")  # seconds, while a run works: the page loads itself again, without script


@of_version
async def file_result(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    upload = await _own(parts, call, query_value(call.request, "id"))
    share = await _follow(parts, upload, deployment) if upload.waits else None
    language = language_of(parts, call.request)
    words = Vocabulary(upload.contract, deployment.words, language)
    return await show(
        parts,
        call,
        "files/result.html",
        headers=(REFRESH,) if upload.waits else (),
        words=words,
        upload=upload,
        share=share,
        done=counted(round(upload.rows * (share or 0) / 100), language),
        rows=counted(upload.rows, language),
        size=size_of(upload.size, language),
        sent=moment(language, upload.created),
        until=moment(language, upload.until),
        result=shown_result(words, upload.finished) if upload.finished else None,
    )


async def predictions_of_file(parts: Parts, call: Call) -> Reply:
    return await _download(parts, call, SHOWN_PREDICTIONS, "predictions")


async def rejected_of_file(parts: Parts, call: Call) -> Reply:
    return await _download(parts, call, SHOWN_REJECTED, "rejected")


async def delete_file(parts: Parts, call: Call) -> Reply:
    """Remove a file and its result before its day is over."""
    upload = await _own(parts, call, call.form.get("id"))
    await log_act(parts.log, upload.owner, "deleted an uploaded file", f"{upload.model}: {upload.name}")
    await asyncio.to_thread(parts.uploads.remove, upload)
    return redirect(call.request, f"/files/{upload.model}")


async def finish(parts: Parts, upload: Upload, deployment: Deployment) -> FinishedFile:
    """Write the files for downloading, and return what is in them. It may be done again, or twice at a time."""
    folder = parts.uploads.folder(upload)
    task = FinishTask(upload.contract, dict(deployment.words), upload.language, upload.separator, upload.decimal)
    found = await perform(parts.uploads.places, "finish", folder, task, FinishedFile)
    if found is None:
        raise unavailable("the predictions could not be written in time; load the page again.", retry_after=30)
    return found


async def _follow(parts: Parts, upload: Upload, deployment: Deployment) -> float | None:
    """Look at the run of a file. If it has ended, note its result; else return the per cent of its work that it has reported."""
    run = await parts.operations.ask("run_state", StartedRun, id=upload.run)
    if not run.ended:
        return await parts.operations.ask("progress", float | None, id=upload.run)  # type: ignore[arg-type]
    folder = parts.uploads.folder(upload)
    if run.type == "COMPLETED" and (folder / PREDICTIONS).exists():
        upload.finished = await finish(parts, upload, deployment)
    else:
        upload.failed = f"{run.state}: {run.message}"[:1_000]
    await asyncio.to_thread(parts.uploads.save, upload)
    (folder / ROWS).unlink(missing_ok=True)
    return None


async def _own(parts: Parts, call: Call, id_: str) -> Upload:
    """Return an upload of this person. Raises RequestError: 404, there is none; that of another person is as one that never was."""
    upload = await asyncio.to_thread(parts.uploads.find, id_, str(call.caller), call.model)
    if upload is None:
        raise RequestError(404, NOT_FOUND, "there is no such file; files are kept for one day.")
    return upload


async def _download(parts: Parts, call: Call, name: str, what: str) -> Reply:
    upload = await _own(parts, call, query_value(call.request, "id"))
    path: Path = parts.uploads.folder(upload) / name
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except FileNotFoundError:
        raise RequestError(404, NOT_FOUND, "this file has no such result.") from None
    disposition = f'attachment; filename="{download_name(upload.name, what)}"'
    return Reply(200, b"", CSV, ((b"content-disposition", disposition.encode()),), parts=_content(file))


async def _content(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while part := await asyncio.to_thread(file.read, PART):
            yield part
