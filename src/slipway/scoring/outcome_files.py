"""Sending a file of outcomes to the gateway: it records the valid rows, and the others go to a file of reasons."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from slipway.audit import Claim
from slipway.bundle.contract import Contract
from slipway.client import Client, ClientError, RecordedOutcomes, RefusedOutcomes
from slipway.errors import OutcomesError
from slipway.files.replacing import replace
from slipway.rows.checks import Violation
from slipway.rows.claims import claim_of, contradicts
from slipway.scoring.from_endpoint import connect, in_service
from slipway.scoring.outcome_rows import ROWS, read
from slipway.scoring.results import REJECTED
from slipway.settings import Settings


@dataclass
class Report:
    """How many rows a file has, how many of them were recorded, and how many were rejected, with reasons in a file."""

    rows: int
    done: RecordedOutcomes = field(default_factory=lambda: RecordedOutcomes(0, 0, 0))
    rejected: int = 0
    rejected_to: Path | None = None

    @property
    def in_the_log(self) -> int:
        return self.done.recorded + self.done.corrected + self.done.repeated


def send(model: str, path: Path, settings: Settings, progress: Callable[[int, int, int], None]) -> Report:
    """Send the outcomes in a file, and write the reasons for those rejected to `<its name>.rejected.csv` beside it.

    The file has a column `outcome`, `prediction_id` or `subject` or both, and perhaps `observed_at`; other columns are ignored. A file
    may be sent again: outcomes that are recorded already count as repetitions.

    Args:
        progress: Called after each request with the rows so far, all rows, and the rows rejected so far.
    Raises:
        InvalidRowsError: It is not such a file; nothing was sent.
        ScoringError: The gateway has no version in service; nothing was sent.
        ServingError: The gateway does not answer, or does not know the key; nothing was sent.
        OutcomesError: The gateway stopped answering, or the key does not allow this: earlier rows are recorded. Or the reasons cannot
            be written.
    """
    contract = in_service(model, settings)
    records = read(path, contract)
    report, reasons = Report(len(records)), list[Violation]()
    with connect(settings) as client:
        for part in _parts(_fit(records, contract, reasons), min(ROWS, settings.max_rows)):
            try:
                report.done += _send(client, model, part, reasons)
            except ClientError as error:
                so_far = f"{report.in_the_log} of {len(records)} outcomes are in the log; when this is corrected, send the file again."
                raise OutcomesError(f"{error}\n{so_far}") from error
            rows = part[-1][0] + 1
            progress(rows, len(records), rows - report.in_the_log)
    report.rejected = len(records) - report.in_the_log
    report.rejected_to = _write(reasons, path.with_name(f"{path.name}.rejected.csv"))
    return report


def _fit(
    records: Sequence[dict[str, Any] | Violation], contract: Contract, reasons: list[Violation]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows to send. The others are not valid by themselves, or contradict an earlier row: their reasons are added."""
    claims: dict[Any, Claim] = {}
    for row, record in enumerate(records):
        if isinstance(record, Violation):
            reasons.append(record)
            continue
        wrong: list[Violation] = []
        claim = claim_of(row, record, contract, wrong)
        if claim and not wrong:
            about = claim.prediction_id or (claim.subject, claim.observed_at)
            first = claims.setdefault(about, claim)
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


def _send(client: Client, model: str, part: list[tuple[int, dict[str, Any]]], reasons: list[Violation]) -> RecordedOutcomes:
    """Send rows until the gateway refuses none of them; it names some at a time, and their reasons are added."""
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
    """Write the reasons, completely or not at all; without any, there is no such file."""
    if not reasons:
        path.unlink(missing_ok=True)  # of an earlier run
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
