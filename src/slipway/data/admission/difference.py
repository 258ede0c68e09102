"""How a later snapshot differs from an earlier one, by their profiles: nothing of the rows themselves is compared or shown."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from slipway.data.admission.cells import Hashes
from slipway.data.admission.profile import ColumnProfile, Profile, used
from slipway.records import ColumnDifference, SnapshotDifference
from slipway.spec import ModelSpec
from slipway.spec.watch import as_categories

CHANCE = 0.99  # how often chance alone stays below `by_chance`
DEVIATIONS = 2.58  # of a normal distribution, with the same chance


def difference(spec: ModelSpec, earlier: tuple[str, Profile], later: tuple[str, Profile]) -> SnapshotDifference:
    """Compare two snapshots, each given by its checksum and its profile, which were made for the same columns."""
    (before, old), (now, new) = earlier, later
    added, gone, changed = _rows(old, new)
    return SnapshotDifference(
        model=spec.name,
        earlier=before,
        later=now,
        rows=(old.rows, new.rows),
        added=added,
        gone=gone,
        changed=changed,
        duplicates=(repeated(old.hashes), repeated(new.hashes)),
        columns_added=[name for name in new.columns if name not in old.columns],
        columns_gone=[name for name in old.columns if name not in new.columns],
        columns=[_column(spec, name, old, new) for name in old.columns if name in new.columns],
        shares=_shares(spec, old, new),
    )


def repeated(hashes: Hashes) -> int:
    """Return how many rows repeat an earlier one."""
    ordered = np.sort(hashes)  # np.unique takes forty times as long for millions of different numbers
    return int((ordered[1:] == ordered[:-1]).sum())


def _rows(old: Profile, new: Profile) -> tuple[int, int, int | None]:
    """Return how many rows were added, are gone, and have changed."""
    if old.keys is None or new.keys is None:
        return (*_apart(old.hashes, new.hashes), None)
    added, gone = _apart(old.keys, new.keys)
    different, lost = _apart(_with(old.keys, old.hashes), _with(new.keys, new.hashes))
    # what is not there any more as it was: the rows that are gone, and those that have changed
    return added, gone, max(0, min(different - added, lost - gone))


def _with(keys: Hashes, hashes: Hashes) -> Hashes:
    mixed: Hashes = (keys * np.uint64(0x9E3779B97F4A7C15)) ^ hashes
    return mixed


def _apart(old: Hashes, new: Hashes) -> tuple[int, int]:
    """Return how many of the new are not among the old, and the other way round; one that is there twice counts twice."""
    (values, counts), (others, their_counts) = (np.unique(hashes, return_counts=True) for hashes in (old, new))
    _, places, their_places = np.intersect1d(values, others, assume_unique=True, return_indices=True)
    both = int(np.minimum(counts[places], their_counts[their_places]).sum())
    return len(new) - both, len(old) - both


def _shares(spec: ModelSpec, old: Profile, new: Profile) -> dict[str, tuple[float, float]]:
    """Return the share of each class in both; none of a number to predict."""
    target = spec.columns.target
    if not target.answers_are_categories:
        return {}
    counts = [(profile.columns[target.name].counts if target.name in profile.columns else None) or {} for profile in (old, new)]
    return {label: (counts[0].get(label, 0) / old.rows, counts[1].get(label, 0) / new.rows) for label in sorted({*counts[0], *counts[1]})}


def _column(spec: ModelSpec, name: str, old: Profile, new: Profile) -> ColumnDifference:
    before, now, is_used = old.columns[name], new.columns[name], name in used(spec)
    distance, by_chance = _distance(spec, name, (old, before), (new, now)) if is_used else (None, None)
    return ColumnDifference(
        column=name,
        used=is_used,
        kinds=(before.kind, now.kind),
        missing=(before.missing / old.rows, now.missing / new.rows),
        low=(before.low, now.low),
        high=(before.high, now.high),
        distance=distance,
        by_chance=by_chance,
    )


def _distance(
    spec: ModelSpec, name: str, old: tuple[Profile, ColumnProfile], new: tuple[Profile, ColumnProfile]
) -> tuple[float | None, float | None]:
    before, now = old[1], new[1]
    there = [profile.rows - column.missing for profile, column in (old, new)]
    if not all(there):
        return None, None
    fewer = 1 / there[0] + 1 / there[1]
    if before.quantiles and now.quantiles and not is_categories(spec, name):
        apart = float(np.abs(np.array(before.quantiles) - np.array(now.quantiles)).mean())
        return apart / max(before.deviation, 0.001), DEVIATIONS * math.sqrt(fewer)  # Evidently's normed distance has the same least
    if before.counts is None or now.counts is None:
        return None, None
    return _jensen_shannon(before.counts, now.counts, fewer)


def is_categories(spec: ModelSpec, name: str) -> bool:
    """Return whether the values of a column are names: then it is compared value by value, as in `slipway.monitoring.drift`."""
    if name in spec.columns.features:
        return as_categories(spec.columns.features[name])
    return name == spec.columns.target.name and spec.columns.target.answers_are_categories


def _jensen_shannon(before: Mapping[str, int], now: Mapping[str, int], fewer: float) -> tuple[float, float]:
    """Return the distance in base 2, and what chance explains: 8 times the divergence is nearly a chi-squared statistic of two samples."""
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import chi2

    names = sorted({*before, *now})
    old, new = (np.array([count.get(name, 0) for name in names], dtype=np.float64) for count in (before, now))
    bound = chi2.ppf(CHANCE, max(1, len(names) - 1)) * fewer / 8 / math.log(2)
    return float(jensenshannon(old, new, base=2)), math.sqrt(bound)
