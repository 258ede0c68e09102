"""The way of a file: read a chunk, check it, answer it, write it; then the next."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from slipway.bundle.contract import Contract
from slipway.files.checksums import checksum
from slipway.records import Scored
from slipway.scoring.answers import Answerer
from slipway.scoring.checking import Checked, check
from slipway.scoring.from_bundle import from_bundle
from slipway.scoring.from_endpoint import FromEndpoint
from slipway.scoring.job import Job
from slipway.scoring.opening import kept_columns, open_source
from slipway.scoring.results import Results
from slipway.settings import Settings
from slipway.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Progress:
    """How far scoring is: rows read, those rejected, the share of the source (0 to 1), and seconds since the start."""

    rows: int
    rejected: int
    share: float
    seconds: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Tally:
    """The counts so far: rows, those rejected, labels by meaning, and versions that answered."""

    rows: int = 0
    rejected: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)


def score(spec: ModelSpec, job: Job, rows: Path, workspace: Path, settings: Settings, show: Callable[[Progress], None]) -> Scored:
    """Score all rows, then put the files in place.

    Args:
        rows: The file of the job's source.
        workspace: A folder on the destination's disk.
        show: Called with the progress after each chunk.
    Raises:
        SlipwayError: There is no version in service, the file lacks a column or is damaged, or the answers cannot be written. The
            files of results are as before.
    """
    started = time.perf_counter()
    source, sha256, tally = open_source(rows, spec), checksum(rows), Tally()
    with _answerer(spec, job, settings) as answerer:
        keep = kept_columns(source, answerer.contract, job)
        kept = source.schema.empty_table().select(keep).schema
        with Results(job, workspace, answerer.contract, kept, answerer.logs) as results:
            for chunk in source.chunks(_wanted(answerer.contract, keep, job), job.chunk):
                checked = check(chunk, answerer.contract, keep, source.spelled, job.subject)
                _score_chunk(checked, answerer, results, tally)
                tally.rows += len(chunk.rows) + len(chunk.broken)
                show(Progress(tally.rows, tally.rejected, chunk.read, time.perf_counter() - started))
            any_rejected = results.finish()
    return Scored(
        model=spec.name,
        through=job.through,
        source=job.shown_source,
        source_sha256=sha256,
        destination=job.destination,
        rejected_to=job.rejected if any_rejected else None,
        rows=tally.rows,
        scored=tally.rows - tally.rejected,
        rejected=tally.rejected,
        labels=dict(tally.labels),
        versions=dict(tally.versions),
        run_id=answerer.contract.run_id,
        bundle_sha256=answerer.bundle_sha256,
        sample=answerer.contract.sample,
        seconds=round(time.perf_counter() - started, 3),
    )


def _score_chunk(checked: Checked, answerer: Answerer, results: Results, tally: Tally) -> None:
    if len(checked.rows):
        answers = answerer.answer(checked.columns, checked.subjects)
        results.write(checked, answers)
        tally.labels += answerer.contract.output.tally(answers.labels)
        tally.versions.update(map(str, answers.versions))
    results.reject(checked.violations)
    tally.rejected += checked.rejected


def _wanted(contract: Contract, keep: list[str], job: Job) -> list[str]:
    """Return the columns to read, each once."""
    names = [column.name for column in contract.columns] + keep + ([job.subject] if job.subject else [])
    return list(dict.fromkeys(names))


@contextmanager
def _answerer(spec: ModelSpec, job: Job, settings: Settings) -> Iterator[Answerer]:
    """Give the version in service, through its bundle or its endpoint."""
    if job.through == "bundle":
        yield from_bundle(spec, settings)
        return
    with FromEndpoint(spec.name, settings, job.subject) as endpoint:
        yield endpoint
