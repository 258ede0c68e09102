"""The rows of a snapshot, validated and typed. They are kept as Parquet beside it, so that no later run reads or checks them again.

The kept rows are used only for the same original, the same declaration, and the same code of the rooms that read and check: there is no
version to remember when a rule changes. They are made again otherwise, also if they are damaged.
"""

from __future__ import annotations

import hashlib
import json
import logging
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.data import validation
from slipway.data.snapshots import table_of, typed_path
from slipway.files.replacing import replacing
from slipway.records import Snapshot
from slipway.spec import ModelSpec

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

logger = logging.getLogger(__name__)

ROOMS = ("data", "problems", "rows", "spec")  # whose code decides what the rows of a file are
MADE_FROM = b"slipway.made_from"


def read(spec: ModelSpec, snapshot: Snapshot) -> pd.DataFrame:
    """Return the rows of a snapshot, as `validation.validate` does.

    Raises:
        InvalidRowsError: They break the columns of the spec.
    """
    path, made_from = typed_path(snapshot.path), _made_from(spec, snapshot)
    if (kept := _kept(path, made_from)) is not None:
        logger.info("%s: %d rows were validated by an earlier run; %s has them", spec.name, len(kept), path.name)
        return kept
    rows = validation.validate(spec, snapshot.path, table_of(spec.dataset, snapshot.path, sample=snapshot.sample))
    _keep(path, made_from, rows)
    return rows


def _made_from(spec: ModelSpec, snapshot: Snapshot) -> bytes:
    """Return all that decides what the rows are."""
    declared = repr((spec.dataset, spec.columns, spec.split))
    parts = {"original": snapshot.sha256, "sample": snapshot.sample, "declared": hashlib.sha256(declared.encode()).hexdigest()}
    return json.dumps(parts | {"code": code()}).encode()


@cache
def code() -> str:
    """Return the checksum of the code that reads and checks rows."""
    digest = hashlib.sha256()
    for room in ROOMS:
        folder = Path(str(resources.files("slipway").joinpath(room)))
        for file in sorted(folder.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _kept(path: Path, made_from: bytes) -> pd.DataFrame | None:
    """Return the kept rows, None if there are none of the same make."""
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            if (file.schema_arrow.metadata or {}).get(MADE_FROM) != made_from:
                return None
            return _frame(file.read())
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError) as error:
        logger.warning("%s is damaged (%s); the rows are read from the original again", path, error)
        return None


def _keep(path: Path, made_from: bytes, rows: pd.DataFrame) -> None:
    """Write the rows, if that is possible and Parquet gives back what it is given. They are valid all the same."""
    import pyarrow as pa
    import pyarrow.parquet

    try:
        table = pa.Table.from_pandas(rows, preserve_index=False)
        if not _frame(table.slice(0, 0)).dtypes.equals(rows.dtypes):
            logger.info("%s is not written: Parquet cannot keep the types of these rows", path.name)
            return
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), MADE_FROM: made_from})
        with replacing(path) as file:
            pyarrow.parquet.write_table(table, file, write_page_checksum=True)
    except (pa.ArrowException, OSError) as error:
        logger.warning("the typed rows cannot be kept as %s, so the next run checks them again: %s", path, error)


def _frame(table: pa.Table) -> pd.DataFrame:
    found: pd.DataFrame = table.to_pandas()
    return found
