"""Where a model's rows are: pinned by a checksum, or followed, which takes what the origin holds at each release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from slipway.errors import SpecError
from slipway.files import addresses
from slipway.spec.tables import PLAIN_CSV, Query, Table, as_code


@dataclass(frozen=True, slots=True)
class Dataset:
    """The address of the rows, the checksum they must have, the file's name in a mirror, and the kind of table it is.

    The address is a path, or begins with http://, https://, file://, s3://, dvc+ or sql+; see docs/data.md.
    `drop_duplicates` leaves out every row that repeats an earlier one in all columns, so that no row is both for training and for test.
    """

    origin: str
    sha256: str
    file: str
    drop_duplicates: bool = False
    table: Table = PLAIN_CSV

    def __post_init__(self) -> None:
        _refuse_origin(self.origin, self.table)
        if len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):
            raise SpecError(f"{self.origin}: sha256 must be 64 lower-case hexadecimal digits, not {self.sha256!r}.")

    def pins(self, sha256: str) -> bool:
        """Return whether these are the rows that the model's file pins."""
        return sha256 == self.sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedDataset:
    """Rows that move: each release takes what the origin holds, keeps it as a snapshot, and compares it with the last; see `DataGate`.

    `origin`, `file`, `drop_duplicates` and `table` are those of `Dataset`. The origin of Parquet may also be a folder, whose files are
    one table; folders `name=value` in it are columns.

    `grows_by` is a column of a query that only grows, such as a number that the database counts up: a release then reads only the rows
    from the highest value on that was read before, and adds them to the last snapshot. It does not see that an earlier row was changed
    or deleted. `key` is a column with another value in each row, such as the number of a customer: with it, a row whose cells changed
    counts as changed, and not as gone and added.
    """

    origin: str
    file: str
    drop_duplicates: bool = False
    table: Table = PLAIN_CSV
    grows_by: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        _refuse_origin(self.origin, self.table)
        if self.grows_by is not None and not isinstance(self.table, Query):
            raise SpecError(
                f"{self.origin}: grows_by={self.grows_by!r} needs table=Query(...), as only a database can be asked for the rows from a "
                f"value on; received {as_code(self.table)}."
            )
        for name in ("grows_by", "key"):
            if getattr(self, name) == "":
                raise SpecError(f"{self.origin}: {name}='' names no column; leave it out, or name one.")

    def pins(self, sha256: str) -> bool:
        """Return False: no rows are pinned."""
        return False


AnyDataset = Dataset | FollowedDataset

DataRule = Literal["columns", "gone", "changed", "added", "classes", "missing", "duplicates", "drift"]
RULES: tuple[DataRule, ...] = ("columns", "gone", "changed", "added", "classes", "missing", "duplicates", "drift")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataGate:
    """How much a followed data set may differ from the last snapshot before a person is asked, or the release is refused.

    The last snapshot is that of the version in service. `gone`, `changed` and `added` are shares of its rows. `classes` is the largest
    change of the share of a class; `missing` is how much the share of missing cells of a column may rise, and `duplicates` that of
    repeated rows. `drift` is how far a column may move, as a multiple of the distance that `watch` calls drift. A column of the model
    that is gone or holds another kind of value is beyond any limit.

    `refuses` names the rules beyond whose limit the release ends before anything is tuned. Beyond the others, it goes on and waits for
    a person's approval.
    """

    gone: float = 0.01
    changed: float = 0.1
    added: float = 1.0
    classes: float = 0.1
    missing: float = 0.1
    duplicates: float = 0.1
    drift: float = 2.0
    refuses: tuple[DataRule, ...] = ("columns", "gone")

    def __post_init__(self) -> None:
        for name in ("gone", "changed", "added", "classes", "missing", "duplicates", "drift"):
            if not (value := getattr(self, name)) >= 0:
                raise SpecError(f"DataGate: {name}={value} must be 0 or more: it is the largest difference that passes.")


USUAL_DATA_GATE = DataGate()


def _refuse_origin(origin: str, table: Table) -> None:
    try:
        addresses.checked(origin, "the origin")
        if origin.startswith("dvc+"):
            addresses.dvc_file(origin)
    except ValueError as error:
        raise SpecError(str(error)) from None
    if origin.startswith(addresses.SQL) != isinstance(table, Query):
        raise SpecError(f"{origin}: a database needs table=Query(...), and no other origin has a query; received {as_code(table)}.")
