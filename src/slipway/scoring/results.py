"""The two files of a run: predictions, and the violations of the rows that have none. They are complete, or not there."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from slipway.bundle.contract import Contract
from slipway.errors import ScoringError
from slipway.rows.checks import Violation
from slipway.scoring.answers import ChunkAnswers
from slipway.scoring.checking import Checked
from slipway.scoring.job import Job

REJECTED = ("row", "column", "expected", "received")


class Results:
    """Writes chunk after chunk; `finish` puts both files in place. Use it in `with`: without `finish` there are no files.

    Args:
        kept: Names and types of the columns copied from the source.
        logged: Whether the answers have ids in the audit log.
    Raises:
        ScoringError: A copied column has the name of a column of the predictions, or cannot be written as CSV.
    """

    def __init__(self, job: Job, workspace: Path, contract: Contract, kept: Any, logged: bool) -> None:
        self._job = job
        self._schema = _schema(contract, kept, logged)
        _refuse_kept(job, kept, self._schema)
        self._output = contract.output
        self._predictions = (workspace / "predictions").open("wb")
        self._rejected = (workspace / "rejected").open("w", encoding="utf-8", newline="")
        self._writer = _writer(self._predictions, self._schema, job)
        self._reasons = csv.writer(self._rejected)
        self._reasons.writerow(REJECTED)
        self._any_rejected = False

    def __enter__(self) -> Results:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._predictions.close()
        self._rejected.close()

    def write(self, checked: Checked, answers: ChunkAnswers) -> None:
        """Add the answers to n rows."""
        ids = [] if answers.prediction_ids is None else [answers.prediction_ids]
        answered = self._output.cells(answers.labels, answers.probabilities)
        columns = [checked.rows, *checked.kept, *answered, answers.versions, *ids]
        arrays = [
            cells if isinstance(cells, pa.Array) else pa.array(cells, kind) for cells, kind in zip(columns, self._schema.types, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def reject(self, violations: Iterable[Violation]) -> None:
        """Add a line for each violation: of a cell, or of a row of another length."""
        for one in violations:
            self._any_rejected = True
            self._reasons.writerow((one.row, one.column, one.expected, one.received))

    def finish(self) -> bool:
        """Put the files in place, the predictions last, and return whether a row was rejected; otherwise that file is not written."""
        self._writer.close()
        for file in (self._predictions, self._rejected):
            file.flush()
            os.fsync(file.fileno())
        if self._any_rejected:
            os.replace(self._rejected.name, self._job.rejected)
        else:
            self._job.rejected.unlink(missing_ok=True)  # of an earlier run
        os.replace(self._predictions.name, self._job.destination)
        return self._any_rejected


def _schema(contract: Contract, kept: Any, logged: bool) -> Any:
    types = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string()}
    return pa.schema(
        [
            ("row", pa.int64()),
            *((field.name, field.type) for field in kept),
            *((name, types[kind]) for name, kind in contract.output.columns().items()),
            ("version", pa.int64()),
            *([("prediction_id", pa.string())] if logged else []),
        ]
    )


def _refuse_kept(job: Job, kept: Any, schema: Any) -> None:
    names = list(schema.names)
    if twice := sorted({name for name in kept.names if names.count(name) > 1}):
        raise ScoringError(
            f"{job.shown_source}: columns {', '.join(map(repr, twice))} have the names of columns of the predictions, so they cannot be "
            "kept beside them. Name the columns to keep (--keep) without them, or rename them. Nothing was written."
        )


def _writer(file: Any, schema: Any, job: Job) -> Any:
    try:
        if job.destination.suffix == ".parquet":
            return pyarrow.parquet.ParquetWriter(file, schema, compression="zstd")
        return pyarrow.csv.CSVWriter(file, schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ScoringError(
            f"{job.shown_source}: not every column that is kept can be written as {job.destination.suffix[1:]} ({error}). Name the columns "
            "to keep (--keep), or a destination that ends in .parquet. Nothing was written."
        ) from None
