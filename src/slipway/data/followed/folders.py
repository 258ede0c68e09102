"""A folder of Parquet files as one table; the folders `name=value` in it are columns. It is copied in parts into one Parquet file."""

from __future__ import annotations

import errno
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet

from slipway.data.followed import files
from slipway.data.tables.parquet_files import PART
from slipway.errors import DatasetNotFoundError, InvalidRowsError

logger = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # of the home folder: nothing is the matter with the rows
Listing = dict[Path, files.State]


def take(model: str, folder: Path, to: Path) -> None:
    """Copy the rows of all files of a folder to one file, in the order of their names.

    A column that some files lack is empty in their rows.

    Raises:
        DatasetNotFoundError: The folder has no Parquet file, or is gone.
        InvalidRowsError: A file is damaged or incomplete, or a column is of kinds that do not fit together.
        OriginChangingError: Files were written while they were read, each time.
    """
    for attempt in range(1, files.ATTEMPTS + 1):
        before = _listing(model, folder)
        try:
            _copy(model, folder, before, to)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise
            if _listing(model, folder) == before:
                raise InvalidRowsError(f"{model}: {folder} cannot be read as one table of Parquet: {error}.") from None
        else:
            if _listing(model, folder) == before:
                return
        logger.warning("%s: %s was written while it was read (attempt %d of %d)", model, folder, attempt, files.ATTEMPTS)
    raise files.changing(model, folder)


def _listing(model: str, folder: Path) -> Listing:
    try:
        inside = sorted(path for path in folder.rglob("*") if path.is_file() and not _hidden(path.relative_to(folder)))
        found = {path: files.state(path) for path in inside}
    except OSError as error:
        raise DatasetNotFoundError(f"{model}: the folder {folder} cannot be read ({error.strerror}).") from None
    if not found:
        raise DatasetNotFoundError(f"{model}: the folder {folder} has no file of rows. Correct the origin in the model's file.")
    return found


def _hidden(path: Path) -> bool:
    """Return whether programs that write such folders mean a file to be passed over, such as `_SUCCESS`."""
    return any(part.startswith((".", "_")) for part in path.parts)


def _copy(model: str, folder: Path, listing: Listing, to: Path) -> None:
    options: dict[str, Any] = {"format": "parquet", "partitioning": "hive"}
    paths = list(map(str, listing))
    opened = pa.dataset.dataset(paths, partition_base_dir=str(folder), **options)
    schema = _schema(model, folder, opened)
    with to.open("wb") as file, pa.parquet.ParquetWriter(file, schema, write_page_checksum=True) as writer:
        for path in paths:
            one = pa.dataset.dataset([path], schema=schema, partition_base_dir=str(folder), **options)
            for batch in one.to_batches(batch_size=PART, batch_readahead=1, fragment_readahead=1, use_threads=False):
                writer.write_batch(batch)


def _schema(model: str, folder: Path, opened: Any) -> pa.Schema:
    """Return the columns of all files together, then those of the folders."""
    try:
        of_files = [fragment.physical_schema.remove_metadata() for fragment in opened.get_fragments()]
        together = pa.unify_schemas(of_files, promote_options="permissive")
    except pa.ArrowTypeError as error:
        raise InvalidRowsError(f"{model}: the files of {folder} are not of one table: {error}.") from None
    partitions = [field for field in opened.partitioning.schema if field.name not in together.names]
    return pa.schema([*together, *partitions])
