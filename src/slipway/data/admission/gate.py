"""Whether a release may learn from a snapshot: a comparison with the last one, within the limits of the model's file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from slipway.data import manifests, snapshots
from slipway.data.admission import difference, profile, rules
from slipway.data.admission.profile import Profile
from slipway.data.snapshots import SnapshotFile
from slipway.files.checksums import checksum
from slipway.records import Admission, DataFinding, Snapshot, SnapshotDifference
from slipway.spec import FollowedDataset, ModelSpec

logger = logging.getLogger(__name__)


def admit(spec: ModelSpec, snapshot: Snapshot, folder: Path, preferred: str = "", further: Sequence[DataFinding] = ()) -> Admission:
    """Return the findings on the rows of a release.

    Pinned rows pass, because a person chose them, and so do generated ones.

    Args:
        preferred: The checksum of the rows of the version in service, which is what the rows are compared with; "" without one.
        further: Findings of others on the same rows, which count as much.
    Raises:
        InvalidRowsError: The file of the snapshot is damaged.
    """
    if snapshot.sample or not isinstance(spec.dataset, FollowedDataset):
        return Admission(model=spec.name, sha256=snapshot.sha256, findings=[*further])
    last = manifests.last(folder, spec.name, preferred, snapshot.sha256)
    if last is None:
        return Admission(model=spec.name, sha256=snapshot.sha256, findings=[_nothing_to_compare(preferred), *further])
    found = compare(spec, last, SnapshotFile(snapshot.path, snapshot.sha256, sample=False))
    return Admission(model=spec.name, sha256=snapshot.sha256, findings=[*rules.findings(spec, found), *further], difference=found)


def compare(spec: ModelSpec, earlier: SnapshotFile, later: SnapshotFile) -> SnapshotDifference:
    """Return how one snapshot differs from an earlier one.

    Raises:
        InvalidRowsError: The file of one of them is damaged.
    """
    old, new = ((sha256 := checksum(one.path), _profile(spec, one, sha256)) for one in (earlier, later))
    return difference.difference(spec, old, new)


def _profile(spec: ModelSpec, one: SnapshotFile, sha256: str) -> Profile:
    return profile.of_snapshot(spec, one.path, sha256, snapshots.table_of(spec.dataset, one.path, sample=one.sample))


def _nothing_to_compare(preferred: str) -> DataFinding:
    if preferred:
        gone = f"the rows of the version in service, {preferred[: snapshots.DIGITS]}, are gone from the home folder, so nothing is compared"
        return DataFinding(name="last snapshot", outcome="asked", reason=gone)
    return DataFinding(name="last snapshot", outcome="passed", reason="these are the first rows, so there is nothing to compare with")
