"""What a release learns from the log: the rows of its data set with those of the log, and the record of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib import resources
from pathlib import Path

from slipway.audit import Place
from slipway.learning.apart import added, divide
from slipway.learning.callers import Contradicting, contradicting
from slipway.learning.coverage import coverage, objection, weights
from slipway.learning.forgetting import count
from slipway.learning.joining import ColumnsOf, join
from slipway.records import DataFinding, LearntRows, Snapshot
from slipway.spec import ModelSpec
from slipway.training.splitting import Rows


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The version in service, and until when its own release saw outcomes; None if it did not learn from any."""

    version: int
    saw_until: datetime | None


@dataclass(frozen=True, slots=True)
class Learning:
    """The rows of a release, their record, and what a person must decide about them."""

    snapshot: Snapshot
    rows: Rows
    findings: list[DataFinding]


def learn(
    spec: ModelSpec, snapshot: Snapshot, rows: Rows, place: Place, until: datetime, columns_of: ColumnsOf, champion: Predecessor | None
) -> Learning:
    """Join the answered rows of the log to those of the data set, and set the newest apart. Without `learns`, nothing changes.

    Args:
        snapshot, rows: Those of the data set.
        until: When the release began to learn: the same time gives the same rows again, as long as the log has them.
    Raises:
        AuditError: The log cannot be read.
    """
    if (learns := spec.learns) is None:
        return Learning(snapshot, rows, [])
    found = join(spec, learns, place, until, columns_of, champion.version if champion else None, sample=snapshot.sample)
    divided = divide(spec, learns, rows, found.rows)
    covered = coverage(spec, found)
    few = f"{len(divided.apart):,} rows are set apart, and {learns.enough:,} are needed" if len(divided.apart) < learns.enough else ""
    since = champion.saw_until if champion else None
    together = [divided.learnt, divided.apart]
    moments = [row.answered for part in together for row in part.each]
    record = LearntRows(
        until=until.isoformat(),
        first=min(moments).isoformat() if moments else None,
        last=max(moments).isoformat() if moments else None,
        learnt=len(divided.learnt),
        apart=len(divided.apart),
        new=sum(since is None or row.known >= since for row in found.rows.each),
        versions=dict(sorted(Counter(row.version for row in found.rows.each).items())),
        left_out=found.left_out | ({"the same cells as a row that judges": divided.both} if divided.both else {}),
        coverage=covered,
        not_judged=few or objection(learns, covered),
        rows_sha256=snapshot.sha256,
        outcomes_sha256=sha256("".join(part.sha256 for part in together).encode()).hexdigest(),
    )
    if not moments:
        return Learning(snapshot.model_copy(update={"learnt": record}), rows, [])
    whole = sha256(f"{snapshot.sha256}{record.outcomes_sha256}".encode()).hexdigest()
    counted = count(spec, learns, rows, divided.learnt, until)
    record = record.model_copy(update={"half_life_rows": counted.memory.half_life, "newest_rows": counted.memory.newest})
    with_log = added(spec, rows, divided, counted.weights, weights(found, divided.apart))
    return Learning(
        snapshot.model_copy(update={"sha256": whole, "learnt": record}), with_log, [_asked(one) for one in contradicting(spec, found.rows)]
    )


def code_of_join(spec: ModelSpec) -> str:
    """Return the checksum of all that decides which rows of the log are joined: the code of this room, and what the model's file says."""
    digest = sha256(repr((spec.learns, spec.columns)).encode())
    for file in sorted(Path(str(resources.files("slipway").joinpath("learning"))).glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _asked(found: Contradicting) -> DataFinding:
    return DataFinding(name=f"outcomes of {found.caller}", outcome="asked", reason=found.words)
