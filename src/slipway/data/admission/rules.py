"""The data gate: each rule compares one kind of difference with its limit in the model's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from slipway.data.admission.difference import is_categories
from slipway.data.admission.profile import used
from slipway.records import ColumnDifference, DataFinding, SnapshotDifference
from slipway.spec import Date, ModelSpec, Numeric, Text
from slipway.spec.datasets import RULES, DataRule
from slipway.spec.watch import CATEGORY_THRESHOLD, NUMBER_THRESHOLD

Found = tuple[bool, str]  # whether it is within the limit, and the finding in words


def findings(spec: ModelSpec, found: SnapshotDifference) -> list[DataFinding]:
    """Return the finding of each rule, in the order of the fields of `DataGate`."""
    return [_finding(spec, rule, found) for rule in RULES]


def _finding(spec: ModelSpec, rule: DataRule, found: SnapshotDifference) -> DataFinding:
    within, reason = JUDGES[rule](spec, found)
    beyond = "refused" if rule in spec.data_gate.refuses else "asked"
    return DataFinding(name=rule, outcome="passed" if within else beyond, reason=reason)


def _columns(spec: ModelSpec, found: SnapshotDifference) -> Found:
    needed = used(spec)
    said = [f"column {name!r} is gone, and the model uses it" for name in found.columns_gone if name in needed]
    said += [f"column {one.column!r} has {one.kinds[1]} cells instead of {one.kinds[0]} ones" for one in found.columns if _other(spec, one)]
    known = {*needed, *spec.columns.excluded}
    said += [f"column {name!r} is new; name it in the model's file" for name in found.columns_added if name not in known]
    if said:
        return False, "; ".join(said)
    unused = [name for name in found.columns_gone if name not in needed]
    return True, f"the columns of the model are there{f'; not used and gone: {_names(unused)}' if unused else ''}"


def _other(spec: ModelSpec, one: ColumnDifference) -> bool:
    """Return whether a column of numbers or dates holds another kind of cell now."""
    if not isinstance(spec.columns.features.get(one.column), Numeric | Date) or "empty" in one.kinds:
        return False
    return one.kinds[0] != one.kinds[1]


def _gone(spec: ModelSpec, found: SnapshotDifference) -> Found:
    return _of_earlier(found, found.gone, "gone", spec.data_gate.gone)


def _changed(spec: ModelSpec, found: SnapshotDifference) -> Found:
    if found.changed is None:
        return True, "without a key, rows that changed count as gone and added"
    return _of_earlier(found, found.changed, "changed", spec.data_gate.changed)


def _added(spec: ModelSpec, found: SnapshotDifference) -> Found:
    return _of_earlier(found, found.added, "added", spec.data_gate.added)


def _of_earlier(found: SnapshotDifference, count: int, what: str, limit: float) -> Found:
    share = count / found.rows[0]
    return share <= limit, f"{count:,} rows {what}, {share:.1%} of the {found.rows[0]:,} before; at most {limit:.1%}"


def _classes(spec: ModelSpec, found: SnapshotDifference) -> Found:
    if not found.shares:
        return True, "no classes: the target is a number"
    label, (before, now) = max(found.shares.items(), key=lambda item: abs(item[1][1] - item[1][0]))
    limit = spec.data_gate.classes
    return abs(now - before) <= limit, f"class {label!r} has {now:.1%} of the rows, before {before:.1%}; a change of at most {limit:.1%}"


def _missing(spec: ModelSpec, found: SnapshotDifference) -> Found:
    limit = spec.data_gate.missing
    return _worst(
        [(one.missing[1] - one.missing[0], one.column, f"{one.missing[1]:.1%}, before {one.missing[0]:.1%}") for one in _used(found)],
        limit,
        "has missing cells in",
        f"a rise of at most {limit:.1%}",
        nothing="no column has more missing cells",
    )


def _duplicates(spec: ModelSpec, found: SnapshotDifference) -> Found:
    before, now = (count / rows for count, rows in zip(found.duplicates, found.rows, strict=True))
    limit = spec.data_gate.duplicates
    return now - before <= limit, f"{now:.1%} of the rows repeat another, before {before:.1%}; a rise of at most {limit:.1%}"


def _drift(spec: ModelSpec, found: SnapshotDifference) -> Found:
    limit = spec.data_gate.drift
    moved = [
        (one.distance / threshold(spec, one.column), one.column, f"{one.distance:.2f}, {threshold(spec, one.column):.2f} of which is drift")
        for one in _used(found)
        if one.distance is not None and one.by_chance is not None and one.distance > one.by_chance and _compared(spec, one.column)
    ]
    return _worst(moved, limit, "moved by", f"at most {limit:g} times that", nothing="no column moved by more than chance explains")


def threshold(spec: ModelSpec, name: str) -> float:
    """Return the distance from which on the watch calls a column drifted."""
    categories = is_categories(spec, name)
    if name in spec.columns.features:
        return spec.watch.of_column(name).least(categories)
    return CATEGORY_THRESHOLD if categories else NUMBER_THRESHOLD


def _compared(spec: ModelSpec, name: str) -> bool:
    """Return whether a column may move at all: dates move on, each text is another, and so is what only decides the split."""
    return not isinstance(spec.columns.features.get(name), Date | Text) and name != spec.split_only


def _used(found: SnapshotDifference) -> Iterator[ColumnDifference]:
    return (one for one in found.columns if one.used)


def _worst(found: list[tuple[float, str, str]], limit: float, verb: str, allowed: str, nothing: str) -> Found:
    """Return the finding on the columns beyond the limit, or on the one that is nearest to it."""
    rising = sorted((one for one in found if one[0] > 0), key=lambda one: -one[0])
    if not rising:
        return True, nothing
    beyond = [one for one in rising if one[0] > limit]
    return not beyond, "; ".join(f"column {name!r} {verb} {figures}" for _, name, figures in beyond or rising[:1]) + f"; {allowed}"


def _names(names: list[str]) -> str:
    return ", ".join(map(repr, names))


JUDGES: dict[DataRule, Callable[[ModelSpec, SnapshotDifference], Found]] = {
    "columns": _columns,
    "gone": _gone,
    "changed": _changed,
    "added": _added,
    "classes": _classes,
    "missing": _missing,
    "duplicates": _duplicates,
    "drift": _drift,
}
