"""A file of outcomes, told to the gateway row by row: what it refuses goes to a file of reasons, and the rest is recorded."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from slipway.audit import Claim
from slipway.bundle.contract import ClassLabel, Contract
from slipway.client import Client, ClientError, RecordedOutcomes, RefusedOutcomes
from slipway.errors import InvalidRowsError, OutcomesError
from slipway.files.replacing import replace
from slipway.lifecycle.serving import bearer
from slipway.rows import spelling
from slipway.rows.checks import Violation
from slipway.rows.claims import KEYS, OUTCOME, PREDICTION, claim_of, contradicts
from slipway.rows.subjects import SUBJECT
from slipway.scoring.csv_source import CsvSource
from slipway.scoring.from_endpoint import TIMEOUT, in_service
from slipway.scoring.results import REJECTED
from slipway.settings import Settings

ROWS = 1_000  # a request

Told = Callable[[int, int, int], None]  # rows so far, of all rows, of which were rejected


@dataclass
class Report:
    """What became of a file: how many rows it has, what was recorded of them, and how many were rejected, with reasons in a file."""

    rows: int
    done: RecordedOutcomes = field(default_factory=lambda: RecordedOutcomes(0, 0, 0))
    rejected: int = 0
    rejected_to: Path | None = None

    @property
    def in_the_log(self) -> int:
        return self.done.recorded + self.done.corrected + self.done.repeated


def tell(model: str, path: Path, settings: Settings, told: Told) -> Report:
    """Tell the outcomes in a CSV file, and write what is wrong with the others to `<its name>.rejected.csv` beside it.

    The file has a column `outcome`, `prediction_id` or `subject` or both, and perhaps `observed_at`; other columns are not read. To tell
    a file again does no harm: what is recorded already is a repetition.

    Args:
        told: Called after each request.
    Raises:
        InvalidRowsError: It is no such file; nothing was told.
        ScoringError: The gateway does not answer, does not know the key, or has no version in service; nothing was told.
        OutcomesError: It does not answer any more, or the key is not for this: rows before are recorded. Or the reasons cannot be written.
    """
    contract = in_service(model, settings)
    records = _records(path, contract)
    report, reasons = Report(len(records)), list[Violation]()
    key = bearer(settings)["Authorization"].removeprefix("Bearer ")
    with Client(settings.gateway_url, key=key, timeout=TIMEOUT, ca=settings.tls_authority) as client:
        for part in _parts(_fit(records, contract, reasons), min(ROWS, settings.max_rows)):
            try:
                report.done += _told(client, model, part, reasons)
            except ClientError as error:
                so_far = f"{report.in_the_log} of {len(records)} outcomes are in the log; when this is put right, tell the file again."
                raise OutcomesError(f"{error}\n{so_far}") from error
            rows = part[-1][0] + 1
            told(rows, len(records), rows - report.in_the_log)
    report.rejected = len(records) - report.in_the_log
    report.rejected_to = _write(reasons, path.with_name(f"{path.name}.rejected.csv"))
    return report


def _records(path: Path, contract: Contract) -> list[dict[str, Any] | Violation]:
    """Return each row as a request has it, empty cells left out, or what is wrong with its line."""
    try:
        source = CsvSource(path)
        names = _columns(path, source.names)
        found: dict[int, dict[str, Any] | Violation] = {}
        for chunk in source.chunks(names, ROWS):
            found |= {one.row: one for one in chunk.broken}
            cells = chunk.cells.to_pydict()
            cells[OUTCOME] = _labels(cells[OUTCOME], contract.classes)
            rows = zip(*(cells[name] for name in names), strict=True)
            found |= {
                int(number): {name: cell for name, cell in zip(names, row, strict=True) if cell not in ("", None)}
                for number, row in zip(chunk.rows, rows, strict=True)
            }
    except OSError as error:
        raise InvalidRowsError(f"{path} cannot be read ({error.strerror}). Nothing was recorded.") from None
    return [found[row] for row in sorted(found)]


def _columns(path: Path, there: Sequence[str]) -> list[str]:
    names = [name for name in KEYS if name in there]
    if OUTCOME not in names or not {PREDICTION, SUBJECT} & set(names) or any(there.count(name) > 1 for name in names):
        raise InvalidRowsError(
            f"{path.name}: expected the columns outcome and prediction_id, or outcome and subject, each once, and perhaps observed_at; "
            f"it has {', '.join(map(repr, there))}. Nothing was recorded."
        )
    return names


def _labels(cells: Sequence[str], classes: Sequence[ClassLabel]) -> Sequence[Any]:
    """Return what cells spell: numbers where the classes are numbers."""
    return cells if isinstance(classes[0], str) else spelling.numbers(cells)


def _fit(
    records: Sequence[dict[str, Any] | Violation], contract: Contract, reasons: list[Violation]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows that may be told; the others say twice what they mean, something else than an earlier row, or nothing."""
    said: dict[Any, Claim] = {}
    for row, record in enumerate(records):
        if isinstance(record, Violation):
            reasons.append(record)
            continue
        wrong: list[Violation] = []
        claim = claim_of(row, record, contract, wrong)
        if claim and not wrong:
            about = claim.prediction_id or (claim.subject, claim.observed_at)
            first = said.setdefault(about, claim)
            wrong += [contradicts(claim, first)] if first.label != claim.label else []
        if wrong:
            reasons += wrong
        else:
            yield row, record


def _parts(rows: Iterator[tuple[int, dict[str, Any]]], size: int) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    part: list[tuple[int, dict[str, Any]]] = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def _told(client: Client, model: str, part: list[tuple[int, dict[str, Any]]], reasons: list[Violation]) -> RecordedOutcomes:
    """Tell rows, without those that the gateway refuses, of which it names some at a time."""
    left = part
    while left:
        try:
            return client.outcomes(model, [record for _, record in left])
        except RefusedOutcomes as refused:
            wrong = {one.row for one in refused.violations}
            reasons += [Violation(left[one.row][0], one.column, one.expected, one.received) for one in refused.violations]
            left = [row for place, row in enumerate(left) if place not in wrong]
    return RecordedOutcomes(0, 0, 0)


def _write(reasons: Sequence[Violation], path: Path) -> Path | None:
    """Write what is wrong, whole or not at all; if nothing is, there is no such file."""
    if not reasons:
        path.unlink(missing_ok=True)  # of a run before
        return None
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(REJECTED)
    lines.writerows(msgspec.structs.astuple(one) for one in sorted(reasons, key=lambda one: one.row))
    try:
        replace(path, text.getvalue().encode(), private=True)
    except OSError as error:
        raise OutcomesError(f"{path} cannot be written ({error.strerror}); the other outcomes are recorded.") from None
    return path
