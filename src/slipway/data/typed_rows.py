"""The rows of a snapshot, validated and typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.data import validation
from slipway.data.snapshots import SAMPLE_TABLE
from slipway.records import Snapshot
from slipway.spec import ModelSpec

if TYPE_CHECKING:
    import pandas as pd


def read(spec: ModelSpec, snapshot: Snapshot) -> pd.DataFrame:
    """Return the rows of a snapshot as `validation.validate` does.

    Raises:
        InvalidRowsError: They break the columns of the spec.
    """
    return validation.validate(spec, snapshot.path, SAMPLE_TABLE if snapshot.sample else spec.dataset.table)
