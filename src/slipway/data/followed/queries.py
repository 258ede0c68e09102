"""The result of a query, written in parts as Parquet. All columns are texts, so that no part can disagree with another about a type.

A query with a column that grows is read on from the highest value of the last snapshot. Rows with exactly this value are read again, and
replace those of the snapshot: more of them may have come since.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from slipway.data import databases, manifests
from slipway.data.followed import marks
from slipway.data.manifests import GrowthMark
from slipway.data.tables.parquet_files import PART
from slipway.data.tables.texts import text
from slipway.errors import DatasetNotFoundError
from slipway.files.addresses import Login
from slipway.files.checksums import digest
from slipway.spec import FollowedDataset, Query

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Base:
    """The snapshot that new rows are added to, and how far it was read."""

    path: Path
    mark: GrowthMark


def base(folder: Path, model: str, dataset: FollowedDataset, preferred: str) -> Base | None:
    """Return the snapshot to read on from: that of the version in service, or the last one of the same query; None if there is none."""
    if dataset.grows_by is None:
        return None
    for file, manifest in sorted(manifests.kept(folder, model), key=lambda pair: pair[1].sha256 != preferred):
        mark = manifest.mark
        if mark and (mark.column, mark.query) == (dataset.grows_by, _checksum(dataset)) and manifests.is_whole(file, manifest):
            return Base(file.path, mark)
    return None


def take(model: str, dataset: FollowedDataset, address: str, login: Login, to: Path, since: Base | None) -> GrowthMark | None:
    """Write the rows of the query, and return how far its growing column was read; None without one.

    Raises:
        OriginUnreachableError, DatasetNotFoundError, MissingExtraError: See `slipway.data.databases.read`. Also DatasetNotFoundError if
            the rows up to which it was read are gone, or a growing column lacks a value.
    """
    known = pa.parquet.read_schema(since.path).names if since else None
    beyond = marks.value(since.mark) if since else None
    with databases.result(model, address, _query(dataset).sql, login, dataset.grows_by, beyond) as (names, parts):
        if dataset.grows_by and dataset.grows_by not in names:
            raise DatasetNotFoundError(f"{model}: the query has no column {dataset.grows_by!r}, which grows_by names; it has {names}.")
        if known in (None, names):
            return _write(model, dataset, address, names, parts, to, since)
    logger.info("%s: the query has other columns than before, so all of its rows are read", model)
    return take(model, dataset, address, login, to, None)


def _write(
    model: str, dataset: FollowedDataset, address: str, names: list[str], parts: Iterator[Sequence[Any]], to: Path, since: Base | None
) -> GrowthMark | None:
    schema, column, last, again = pa.schema([(name, pa.string()) for name in names]), dataset.grows_by, None, since is None
    with to.open("wb") as file, pa.parquet.ParquetWriter(file, schema, write_page_checksum=True) as writer:
        for batch in _before(since):
            writer.write_batch(batch)
        for rows in parts:
            if column:
                last = _last(model, column, names, rows)
                again = again or (since is not None and text(rows[0][names.index(column)]) == text(marks.value(since.mark)))
            writer.write_batch(_batch(model, schema, rows))
    if since and not again:
        raise DatasetNotFoundError(
            f"{model}: {address} has no row any more whose {since.mark.column} is {since.mark.value}, up to which it was read: "
            "its rows were deleted or replaced. If that is intended, take grows_by out of the model's file for one release, "
            "which then reads all rows and compares them with the last snapshot."
        )
    return marks.of(model, column, last, _checksum(dataset)) if column and last is not None else None


def _query(dataset: FollowedDataset) -> Query:
    if not isinstance(dataset.table, Query):
        raise TypeError(f"{dataset.origin} is no query")
    return dataset.table


def _checksum(dataset: FollowedDataset) -> str:
    """Return what says that a query is the same: its text and its database."""
    return digest(f"{dataset.origin}\n{_query(dataset).sql}".encode())


def _before(since: Base | None) -> Iterator[Any]:
    """Yield the rows of the last snapshot that are not read again."""
    if since is None:
        return
    with pa.parquet.ParquetFile(since.path) as file:
        for batch in file.iter_batches(PART):
            yield batch.filter(pc.not_equal(batch.column(since.mark.column), text(marks.value(since.mark))))


def _batch(model: str, schema: Any, rows: Sequence[Any]) -> Any:
    columns = zip(schema.names, zip(*rows, strict=True), strict=True)
    return pa.record_batch([_texts(model, name, column) for name, column in columns], schema=schema)


def _texts(model: str, name: str, column: Sequence[Any]) -> Any:
    """Return cells as texts. Columns of one type take a tenth of the time that looking at each cell does."""
    kinds = set(map(type, column)) - {type(None)}
    if kinds <= {str}:
        return pa.array(column, pa.string())
    if kinds == {int}:
        return pa.array([None if value is None else str(value) for value in column], pa.string())
    if kinds == {float}:
        return pa.array([None if value is None or value != value else repr(value).removesuffix(".0") for value in column], pa.string())
    return pa.array([None if value is None else text(databases.cell(model, name, value)) for value in column], pa.string())


def _last(model: str, column: str, names: list[str], rows: Sequence[Any]) -> Any:
    """Return the value of the growing column in the last row, the highest by the database's own order."""
    place = names.index(column)
    if any(row[place] is None for row in rows):
        raise DatasetNotFoundError(
            f"{model}: the column {column!r}, which grows_by names, has no value in some rows, so it cannot say which rows are new. "
            "Leave such rows out in the query, or name another column."
        )
    return rows[-1][place]
