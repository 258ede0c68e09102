"""A comparison of two snapshots in words and tables, as Markdown and for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from slipway.data.snapshots import DIGITS
from slipway.records import Admission, ColumnDifference, SnapshotDifference
from slipway.rendering.markdown import table

MARKS = {"passed": "✓", "asked": "?", "refused": "✗"}
COLUMNS = ("column", "missing", "lowest", "highest", "moved by", "by chance")


def report(admission: Admission) -> str:
    """Return what the data gate found, and the tables that it is about, as Markdown."""
    lines = [f"- {MARKS[one.outcome]} **{one.name}**: {one.reason}" for one in admission.findings]
    if admission.difference:
        lines += ["", *markdown(admission.difference)]
    return "\n".join(lines)


def markdown(found: SnapshotDifference) -> list[str]:
    """Return the tables of a comparison as lines of Markdown."""
    lines = [f"Rows {found.later[:DIGITS]} beside the earlier {found.earlier[:DIGITS]}:\n", *table(("", "before", "now"), counts(found))]
    return [*lines, "", *table(COLUMNS, columns(found))] if columns(found) else lines


def counts(found: SnapshotDifference) -> list[tuple[str, str, str]]:
    """Return a line each for rows, duplicates, columns and classes, before and now."""
    return list(_counts(found))


def _counts(found: SnapshotDifference) -> Iterator[tuple[str, str, str]]:
    yield "rows", f"{found.rows[0]:,}", f"{found.rows[1]:,}"
    yield "added", "", f"{found.added:,}"
    yield "gone", f"{found.gone:,}", ""
    if found.changed is not None:
        yield "changed", "", f"{found.changed:,}"
    yield "repeat another row", f"{found.duplicates[0]:,}", f"{found.duplicates[1]:,}"
    if found.columns_gone:
        yield "columns gone", ", ".join(found.columns_gone), ""
    if found.columns_added:
        yield "columns added", "", ", ".join(found.columns_added)
    for one in found.columns:
        if one.kinds[0] != one.kinds[1]:
            yield f"kind of {one.column}", *one.kinds
    for label, (before, now) in found.shares.items():
        yield f"class {label}", f"{before:.1%}", f"{now:.1%}"


def columns(found: SnapshotDifference) -> list[tuple[str, ...]]:
    """Return a line for each column of the model that differs."""
    return [_line(one) for one in found.columns if one.used and _differs(one)]


def _differs(one: ColumnDifference) -> bool:
    return bool(one.distance) or any(before != now for before, now in (one.missing, one.low, one.high))


def _line(one: ColumnDifference) -> tuple[str, ...]:
    return (
        one.column,
        _arrow(*(f"{share:.1%}" for share in one.missing)),
        _arrow(*map(_number, one.low)),
        _arrow(*map(_number, one.high)),
        _two(one.distance),
        _two(one.by_chance),
    )


def _arrow(before: str, now: str) -> str:
    return now if before == now else f"{before} -> {now}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
