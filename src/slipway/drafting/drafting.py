"""Drafting a model's file from a table, and checking the draft by the same rules as any other file."""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.data import origins
from slipway.data.tables import reading, sniffing
from slipway.data.tables.errors import TableError
from slipway.data.tables.numbers import numbers
from slipway.data.validation import validate
from slipway.drafting import columns, dates, families, floor, suspects, target
from slipway.drafting.code import code
from slipway.drafting.findings import Draft, Found, TableAt
from slipway.errors import DraftError, SlipwayError
from slipway.files.addresses import NO_LOGIN, SQL, Login
from slipway.files.checksums import digest
from slipway.spec import CSV, Boolean, Category, ModelSpec, Quantity, Query, Table, Target, Text

if TYPE_CHECKING:
    import pandas as pd

FIRST_PORT = 8_201
PORT = re.compile(r"^    port=([\d_]+),$", re.MULTILINE)
LEAST_ROWS = 50
SOME_ROWS = 20_000  # about, among which columns of numbers are compared with each other
MOST_SLICES, SLICE_VALUES = 2, 5
LEAST_IN_A_SLICE = 100  # rows; a fifth of them are test rows


def draft(name: str, address: str, aim: str, port: int = FIRST_PORT, *, query: str | None = None, login: Login = NO_LOGIN) -> Draft:
    """Read the table and decide what the model's file says of it. Nothing is written.

    Args:
        name: The model's name: lower-case letters, digits and hyphens.
        address: Where the table is: a path, or an address as in `Dataset.origin`.
        aim: The column to predict.
        port: The model's own port.
        query: The SQL, if the address is a database.
    Raises:
        DraftError: The table has no such column, too few rows, or nothing to learn or to predict.
        DatasetNotFoundError, OriginUnreachableError, MissingExtraError: The table cannot be read.
    """
    refuse_wrong_name(name, address, query)
    with tempfile.TemporaryDirectory() as folder:
        source, path = fetched(name, address, query, Path(folder), login)
        text, source = read_texts(path, source)
        return measured(with_split(without_floor(name, text, source, aim, port)), path)


def refuse_wrong_name(name: str, address: str, query: str | None) -> None:
    """Refuse what cannot be a model's name, and a query without a database.

    Raises:
        DraftError: It is so.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise DraftError(f"{name!r} cannot be a model's name: it is lower-case letters, digits and hyphens, such as ward-stay.")
    if address.startswith(SQL) != (query is not None):
        wrong = "is no database, so it takes no --query" if query else "is a database: say what to read from it with --query"
        raise DraftError(f"{address} {wrong}.")


def without_floor(name: str, text: pd.DataFrame, source: TableAt, aim: str, port: int) -> Draft:
    """Return what the cells say."""
    found, aimed, metric, asks = _decided(text, source.table, aim)
    return Draft(
        name=name,
        source=replace(source, rows=len(text)),
        columns=tuple(found),
        target=aimed,
        port=port,
        metric=metric,
        floor=1.0,  # until it is measured
        baselines={},
        slices=_slices(found, text),
        asks=tuple(asks),
        linear=any(isinstance(column.feature, Text) for column in found),  # of texts, it sees each word, and it takes sparse rows
    )


def free_port(path: Path, taken: Collection[int]) -> int:
    """Return the port that the file at a path declares already, or the first that neither the catalogue nor a file beside it has."""
    declared = {file: PORT.findall(file.read_text(encoding="utf-8", errors="replace")) for file in path.parent.glob("*.py")}
    if own := declared.pop(path, None):
        return int(own[0].replace("_", ""))
    beside = {int(port.replace("_", "")) for ports in declared.values() for port in ports}
    return next(port for port in range(FIRST_PORT, 65_536) if port not in beside and port not in taken)


def compared(old: str, new: str, path: Path) -> str:
    """Return how a draft differs from the file that is there, as a unified diff; "" if it does not."""
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"{path} (as it is)", f"{path} (as drafted now)")
    return "".join(lines)


def fetched(name: str, address: str, query: str | None, folder: Path, login: Login) -> tuple[TableAt, Path]:
    """Fetch a table into a folder; return where it is, and the file."""
    declared: Table = Query(query) if query else CSV()
    content = origins.read(name, address, declared, login)
    file = _file_of(address, name) if not query else f"{name}.jsonl"
    path = folder / file
    path.write_bytes(content)
    try:
        table = declared if query else sniffing.sniffed(path)
    except TableError as error:
        raise DraftError("\n".join(map(str, error.reasons))) from None
    place = address if "://" in address else str(Path(address).expanduser().resolve())
    return TableAt(place, file, table, digest(content), 0), path


def _file_of(address: str, name: str) -> str:
    """Return the name of the file at an address, without a query."""
    last = re.split(r"[/\\]", address.partition("?")[0].rstrip("/"))[-1]
    return last or f"{name}.csv"


def read_texts(path: Path, source: TableAt) -> tuple[pd.DataFrame, TableAt]:
    """Return the rows as texts, and the source with the marks of missing cells in its table."""
    try:
        text = reading.read(path, source.table)
    except TableError as error:
        raise DraftError("\n".join(map(str, error.reasons))) from None
    if (blank := reading.blank(text)).any():
        text = text[~blank]
    if len(text) < LEAST_ROWS:
        raise DraftError(f"{source.file} has {len(text)} rows; a model needs at least {LEAST_ROWS}, to learn and to test.")
    if nameless := [place for place, name in enumerate(text.columns, 1) if not str(name).strip()]:
        raise DraftError(f"{source.file}: column {nameless[0]} has no name. Name it in the file, or remove it.")
    if not isinstance(source.table, CSV):
        return text, source
    spelt = partial(numbers, decimal=source.table.decimal, thousands=source.table.thousands)
    if marks := set[str]().union(*(columns.marks_of_missing(text[name], spelt) for name in text)):
        source = replace(source, table=replace(source.table, missing=tuple(sorted(marks))))
        text = reading.with_empty_cells(text.copy(), marks)
    return text, source


def _decided(text: pd.DataFrame, table: Table, aim: str) -> tuple[list[Found], Target | Quantity, str, list[str]]:
    def spelt(cells: pd.Series[str]) -> pd.Series[float]:
        return numbers(cells, table.decimal, table.thousands) if isinstance(table, CSV) else numbers(cells)

    if aim not in text.columns:
        close = difflib.get_close_matches(aim, map(str, text.columns), 1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        raise DraftError(f"the table has no column {aim!r}.{meant} Its columns are {', '.join(map(repr, text.columns))}.")
    aimed = target.target_of(text[aim], spelt)
    found = [columns.found(text[name], spelt) for name in text.columns if name != aim]
    found = dates.with_spans(suspects.without_repetitions(found, text))
    if not any(column.feature for column in found):
        raise DraftError(f"no column is left to learn from: {'; '.join(f'{column.name}: {column.why}' for column in found)}.")
    number = isinstance(aimed, Quantity)
    answers = suspects.grouped(spelt(text[aim])) if number else text[aim].str.strip()
    giving = suspects.giving_the_answer_away(found, text, spelt, answers)
    asks = [
        f"{name}: it alone determines the answer in {share:.1%} of the rows. Is it known before the answer is? If not, exclude it."
        for name, share in giving.items()
        if share < 1
    ]
    found = [_suspected(column, giving.get(column.name)) for column in found]
    asks += [column.ask for column in found if column.ask]
    some = text.iloc[:: max(1, len(text) // SOME_ROWS)]
    spelt_numbers = {column.name: spelt(some[column.name]) for column in found if hasattr(column.feature, "low")}
    asks += [
        f"{name}: it says the same as {other}. Exclude one of them." for name, other in suspects.saying_the_same(spelt_numbers).items()
    ]
    asks += suspects.named_as_weights(spelt_numbers)
    return found, aimed, target.metric_of(text[aim], aimed), asks


def _suspected(column: Found, share: float | None) -> Found:
    """Return a column with what was found of it: a column that gives every answer away is left out, as a release would refuse it."""
    if share is None:
        return column
    if share == 1:
        return replace(column, feature=None, why="it gives the answer away: by its value, the answer is known", ask="")
    return replace(column, why=f"{column.why}; does it give the answer away?")


def _slices(found: list[Found], text: pd.DataFrame) -> tuple[str, ...]:
    """Return columns of few values, each with enough rows to be judged for itself."""
    fit = []
    for column in found:
        if isinstance(column.feature, Boolean) or (isinstance(column.feature, Category) and len(column.feature.values) <= SLICE_VALUES):
            counts = text[column.name].str.strip().value_counts()
            if counts.min() >= LEAST_IN_A_SLICE:
                fit.append(column.name)
    return tuple(fit[:MOST_SLICES])


def with_split(made: Draft) -> Draft:
    """Split by whom the rows are about, or else by time, if a column says so: otherwise a model is tested on what it has seen."""
    group = next((column.name for column in made.columns if column.groups), "")
    by = "" if group else dates.of_the_rows(list(made.columns))
    asks = list(made.asks)
    if group:
        asks.append(
            f"{group}: all rows of one {group} are for training, or all for the test. Is it not whom the rows are about? Leave group out."
        )
    if by:
        asks.append(f"{by}: the test rows are the latest. Is it not when a row became known? Then write stratify=True instead of by.")
    return replace(made, by=by, group=group, asks=tuple(asks))


def measured(made: Draft, path: Path) -> Draft:
    """Validate the rows by the draft, as a release will, and take the floor and the family of the estimator from simple models."""
    spec = executed(code(made), made.name)
    rows = validate(spec, path)
    try:
        return _with_family(with_floor(made, spec, rows), spec, rows)
    except SlipwayError as error:  # a class is not in every part of the time, or there are too few groups
        if not (made.by or made.group):
            raise
        column = made.by or made.group
        asks = [ask for ask in made.asks if not ask.startswith(f"{column}: ")]
        return measured(replace(made, by="", group="", asks=(*asks, f"{column}: it cannot decide the split: {error}")), path)


def with_floor(made: Draft, spec: ModelSpec, rows: pd.DataFrame) -> Draft:
    """Return a draft with what simple models reach as the floor of its gate."""
    baselines = floor.measured(spec, rows)
    return replace(made, floor=baselines.floor, baselines=baselines.figures)


def _with_family(made: Draft, trees: ModelSpec, rows: pd.DataFrame) -> Draft:
    if made.linear or len(rows) > families.MOST_ROWS:
        return made
    linear = replace(made, linear=True)
    figures = families.compared(trees, executed(code(linear), made.name), rows)
    return replace(linear if families.better(figures, trees.lower_is_better) == families.LINEAR else made, families=figures)


def executed(content: str, name: str, path: Path | None = None) -> ModelSpec:
    """Return the model that a file declares, checked as any model is.

    Args:
        path: Where the file is or will be; what it names beside itself is looked for there.
    """
    file = str(path or f"{name.replace('-', '_')}.py")
    module: dict[str, Any] = {"__name__": f"slipway.models.{name.replace('-', '_')}", "__file__": file}
    exec(compile(content, file, "exec"), module)  # noqa: S102 - our own text, and every value in it is a literal
    found: ModelSpec = module["MODEL"]
    return found
