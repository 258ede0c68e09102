"""Taking what the origin of a followed data set holds now, as a snapshot with a manifest.

Rows are written to a folder of their own first, and read completely, before anything gets the name of a snapshot. So whatever happens to
the origin meanwhile, the last snapshot stays as it is, and nothing is left behind.
"""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from slipway.data import manifests, snapshots
from slipway.data.admission import profile
from slipway.data.admission.profile import Profile
from slipway.data.followed import files, folders, queries
from slipway.data.manifests import GrowthMark
from slipway.data.tables.errors import TableError
from slipway.errors import InvalidRowsError
from slipway.files import addresses
from slipway.files.addresses import Login
from slipway.files.checksums import checksum
from slipway.records import Snapshot
from slipway.spec import FollowedDataset, ModelSpec, Query

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TakenRows:
    """Rows as they were taken. `ordered` says whether their order is the origin's; a query or a folder has none."""

    path: Path
    ending: str
    ordered: bool
    mark: GrowthMark | None = None


def follow(spec: ModelSpec, dataset: FollowedDataset, address: str, folder: Path, login: Login, preferred: str) -> Snapshot:
    """Take what the address holds now. The same rows as before are the same snapshot, which is not written again.

    Args:
        preferred: The checksum of the rows of the version in service; a query that grows is read on from there.
    Raises:
        OriginChangingError: The rows are being written. Another attempt may help.
        OriginUnreachableError: The origin does not answer, or breaks off. Another attempt may help.
        DatasetNotFoundError: There are no such rows, or fewer than were read before of a query that grows.
        InvalidRowsError: The rows are damaged or incomplete, or there are none.
        MissingExtraError: See `fetching.fetch`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{spec.name}-", suffix=".tmp", dir=folder) as scratch:
        taken = _take(spec, dataset, address, folder, Path(scratch), login, preferred)
        found = _whole(spec, dataset, address, taken)
        path, sha256 = _stored(spec, folder, taken, found)
    snapshot = Snapshot(model=spec.name, path=path, sha256=sha256, rows=found.rows, origin=address, sample=False)
    profile.keep(spec, path, sha256, found)
    manifests.note(snapshot, "followed", found.content, taken.mark)
    return snapshot


def _take(spec: ModelSpec, dataset: FollowedDataset, address: str, folder: Path, scratch: Path, login: Login, preferred: str) -> TakenRows:
    if isinstance(dataset.table, Query) and address.startswith(addresses.SQL):
        to = scratch / "rows.parquet"
        mark = queries.take(spec.name, dataset, address, login, to, queries.base(folder, spec.name, dataset, preferred))
        return TakenRows(to, ".parquet", ordered=False, mark=mark)
    if (local := files.local(address)) and local.is_dir():
        to = scratch / "rows.parquet"
        folders.take(spec.name, local, to)
        return TakenRows(to, ".parquet", ordered=False)
    to = scratch / Path(dataset.file).name
    files.take(spec.name, address, dataset.table, to, login)
    return TakenRows(to, snapshots.ending_of(dataset), ordered=True)


def _whole(spec: ModelSpec, dataset: FollowedDataset, address: str, taken: TakenRows) -> Profile:
    """Return what is in the rows, after reading all of them."""
    table = snapshots.table_of(dataset, taken.path, sample=False)
    try:
        found = profile.profile(spec, taken.path, table)
        files.require_whole_line(taken.path, table, len(found.columns))
    except TableError as error:
        raise InvalidRowsError(f"{spec.name}: {address}: {error} Nothing was kept, and the last snapshot is as it was.") from None
    return found


def _stored(spec: ModelSpec, folder: Path, taken: TakenRows, found: Profile) -> tuple[Path, str]:
    """Give the rows the name of a snapshot, unless there is one with the same; return its path and checksum."""
    if not taken.ordered:
        for file, manifest in manifests.kept(folder, spec.name):
            if manifest.content == found.content and manifests.is_whole(file, manifest):
                logger.info("%s: the rows are those of %s, read %s", spec.name, file.path.name, manifest.read)
                return file.path, manifest.sha256
    sha256 = checksum(taken.path)
    path = snapshots.path_of(folder, spec.name, sha256, sample=False, ending=taken.ending)
    os.replace(taken.path, path)
    logger.info("%s: %d rows are kept as %s", spec.name, found.rows, path.name)
    return path, sha256
