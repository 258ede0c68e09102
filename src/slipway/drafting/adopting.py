"""From a version that somebody else registered, and a table of rows, to the draft of a model's file that serves it as it is."""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.data.tables.numbers import numbers
from slipway.data.validation import validate
from slipway.drafting import drafting
from slipway.drafting.code import code
from slipway.drafting.columns import range_of, spoken, unit_of
from slipway.drafting.findings import AdoptedVersion, Draft, Found
from slipway.drafting.pickles import answers_of
from slipway.drafting.target import quantity_of
from slipway.drafting.versions import LoggedVersion
from slipway.errors import AdoptedModelError, DraftError
from slipway.files.addresses import NO_LOGIN, Login
from slipway.files.checksums import digest
from slipway.spec import CSV, Adopted, Boolean, Category, Feature, ModelSpec, Numeric, Quantity, Table, Target

if TYPE_CHECKING:
    import pandas as pd

ADOPTED_LINES = re.compile(r"^    estimator=Adopted\(\n.*?^    \),\n", re.MULTILINE | re.DOTALL)
DATASET_LINES = re.compile(r"^    dataset=Dataset\(\n.*?^    \),\n", re.MULTILINE | re.DOTALL)
PROVEN = 1_000  # rows
NUMBERS = ("double", "float", "long", "integer")
MOST_VALUES = 200  # of a category that the file lists; the others are taken too


@dataclass(frozen=True, slots=True)
class AdoptedDraft:
    """The draft, and the content of the skops file that belongs beside the model's file."""

    draft: Draft
    stored: bytes


def draft_of_version(
    name: str, version: LoggedVersion, address: str, aim: str, port: int, *, query: str | None = None, login: Login = NO_LOGIN
) -> AdoptedDraft:
    """Read the table, and decide what the file of a model says that serves this version.

    The columns are those that the version takes, with the ranges and categories that the rows have. The floor of the gate is what simple
    models reach on these rows.

    Args:
        name: The model's name: lower-case letters, digits and hyphens.
        address: Where the table is: a path, or an address as in `Dataset.origin`.
        aim: The column with the true answers.
    Raises:
        AdoptedModelError: The table lacks a column that the version takes, or its answers are others than those of the version.
        DraftError: The table cannot be read as a table of rows.
    """
    drafting.refuse_wrong_name(name, address, query)
    with tempfile.TemporaryDirectory() as folder:
        source, path = drafting.fetched(name, address, query, Path(folder), login)
        text, source = drafting.read_texts(path, source)
        drafted = drafting.without_floor(name, text, source, aim, port)
        _refuse_missing(version, text, aim)
        columns = tuple(_columns(version, drafted, text, aim))
        made = replace(
            drafted,
            columns=columns,
            target=_target(version, drafted.target, _spelt(text[aim], source.table)),
            metric="mean_absolute_error" if version.classes is None else drafted.metric,
            slices=tuple(one for one in drafted.slices if one in version.columns),
            asks=(f"Did {version.address} learn from these rows? Then its figures here are better than it is.",),
            linear=False,
        )
        stored, trusted = _stored(version, {column.name: column.feature for column in columns if column.feature})
        predicts = "number" if version.classes is None else "classes"
        file = f"{name.replace('-', '_')}.skops"
        made = replace(made, adopted=AdoptedVersion(version.address, version.name, file, digest(stored), predicts, trusted))
        spec = drafting.executed(code(made), name)
        rows = validate(spec, path)
        _prove(version, rows[list(version.columns)].head(PROVEN))
        return AdoptedDraft(drafting.with_floor(made, spec, rows), stored)


def _prove(version: LoggedVersion, rows: pd.DataFrame) -> None:
    """Compare the answers of a model that was a pickle with those of the pickle."""
    if not version.pickled:
        return
    ask = version.model.predict if version.classes is None else version.model.predict_proba
    answers = np.asarray(ask(rows), dtype=np.float64).reshape(len(rows), -1)
    if not np.array_equal(answers, answers_of(version.address, version.pickled, rows)):
        raise AdoptedModelError(f"{version.address}: as a skops file, it answers other than its pickle does, so it is not adopted.")


def with_version(existing: str, made: Draft, path: Path) -> str | None:
    """Return the content of a model's file in which the adopted version and the rows are replaced by those of a draft.

    So what a person has filled in stays, when the same version is adopted again, or the next one.

    Returns:
        None if the file is not of this registered model, or declares other columns than the version takes.
    Raises:
        DraftError: The file cannot be executed.
    """
    try:
        spec: object = drafting.executed(existing, made.name, path)
    except Exception as error:  # of a person's own file
        what = f"{type(error).__name__}: {error}"
        raise DraftError(f"{path} is there, and cannot be read: {what}. Mend it, or replace it with --yes.") from None
    if not isinstance(spec, ModelSpec) or not isinstance(spec.estimator, Adopted):
        return None
    features = [column.name for column in made.columns if column.feature is not None]
    ours = (spec.registered_as, list(spec.columns.features), spec.columns.target.name)
    if ours != (made.adopted and made.adopted.registered_as, features, made.target.name):
        return None
    drafted = code(made)
    for lines in (ADOPTED_LINES, DATASET_LINES):
        found, now = lines.search(existing), lines.search(drafted)
        if not found or not now:
            return None
        existing = existing[: found.start()] + now[0] + existing[found.end() :]
    return existing


def _refuse_missing(version: LoggedVersion, text: pd.DataFrame, aim: str) -> None:
    for column in version.columns:
        if column == aim:
            raise AdoptedModelError(f"{version.address} takes the column {aim!r}, which is the one to predict. Name another with --target.")
        if column not in text.columns:
            close = difflib.get_close_matches(column, map(str, text.columns), 1)
            meant = f" Did you mean {close[0]!r}, and should it be renamed?" if close else ""
            raise AdoptedModelError(
                f"{version.address} takes the columns {', '.join(version.columns)}, and the table has no {column!r}.{meant} A model that "
                "was fitted on prepared columns needs a table of these: their names come from its signature, or from --columns."
            )


def _spelt(cells: pd.Series[str], table: Table) -> pd.Series[float]:
    return numbers(cells, table.decimal, table.thousands) if isinstance(table, CSV) else numbers(cells)


def _columns(version: LoggedVersion, drafted: Draft, text: pd.DataFrame, aim: str) -> Iterator[Found]:
    """Yield the columns that the version takes, in its order, and then the others, which are left out."""
    found = {column.name: column for column in drafted.columns}
    for name, kind in version.columns.items():
        column = found[name]
        if not _fits(column.feature, kind):
            column = replace(column, feature=_as_signed(version, name, kind, text[name], drafted.source.table))
        why = f"{version.name} takes it" + (f" as {kind}" if kind else "")
        yield Found(name, column.feature, why)
    for name in text.columns:
        if name not in version.columns and name != aim:
            yield Found(name, None, f"{version.name} does not take it")


def _fits(feature: Feature | None, kind: str) -> bool:
    """Return whether a kind of column has the type of a signature; without a signature, any has that a model can take as it is."""
    if kind in NUMBERS:
        return isinstance(feature, Numeric)
    if kind == "boolean":
        return isinstance(feature, Boolean)
    if kind == "string":
        return isinstance(feature, Category)
    return isinstance(feature, Numeric | Category)


def _as_signed(version: LoggedVersion, name: str, kind: str, cells: pd.Series[str], table: Table) -> Feature:
    """Return the kind that a signature gives to a column; without one, a number if all cells are."""
    filled = cells[cells.str.strip() != ""]
    gaps, values = len(filled) < len(cells), _spelt(filled, table)
    if kind == "boolean":
        return Boolean(spoken(name), missing=gaps)
    if kind == "string" or (not kind and values.isna().any()):
        listed = tuple(filled.value_counts().index[:MOST_VALUES].sort_values())
        return Category(listed, spoken(name), missing=gaps, other=filled.nunique() > MOST_VALUES)
    if (wrong := filled[values.isna()]).size:
        raise AdoptedModelError(f"{version.address} takes {name} as {kind}, and the table has {wrong.iloc[0]!r} there, which is no number.")
    low, high = range_of(float(values.min()), float(values.max())) if len(values) else (None, None)
    whole = kind in ("long", "integer") or bool(len(values) and (values % 1 == 0).all() and not kind)
    return Numeric(low, high, unit_of(name), spoken(name), integer=whole, missing=gaps)


def _target(version: LoggedVersion, drafted: Target | Quantity, values: pd.Series[float]) -> Target | Quantity:
    """Return the target with the answers that the version gives."""
    name = drafted.name
    if version.classes is None:
        if values.isna().any():
            raise AdoptedModelError(f"{version.address} predicts a number, and column {name!r} has texts.")
        return replace(quantity_of(name, values), log=False)
    if not hasattr(version.model, "predict_proba"):
        raise AdoptedModelError(
            f"{version.address} is a {type(version.model).__name__} that gives no probabilities, which answers here need. Log it inside "
            "CalibratedClassifierCV of scikit-learn, then adopt that version."
        )
    if isinstance(drafted, Quantity):
        raise AdoptedModelError(f"{version.address} answers the classes {version.classes}, and column {name!r} has too many values.")
    if set(drafted.classes) - set(version.classes) or type(next(iter(drafted.classes))) is not type(version.classes[0]):
        raise AdoptedModelError(
            f"{version.address} answers the classes {version.classes}, and column {name!r} has {list(drafted.classes)}. Write its classes "
            "into the column, then adopt again."
        )
    meanings = {label: drafted.classes.get(label, f"{spoken(name)} is {label}") for label in version.classes}
    return replace(drafted, classes=meanings)


def _stored(version: LoggedVersion, features: Mapping[str, Feature]) -> tuple[bytes, tuple[str, ...]]:
    """Return the version as the content of a skops file, and the types that it needs which our list has not."""
    from skops.io import dumps
    from skops.io.exceptions import UnsupportedTypeException

    from slipway.bundle.trusted_types import other_types

    try:
        content = dumps(_pipeline(version.model, features))
    except UnsupportedTypeException as error:
        raise AdoptedModelError(f"{version.address} cannot be stored without a pickle: {error}") from None
    return content, tuple(other_types(content))


def _pipeline(model: Any, features: Mapping[str, Feature]) -> Any:
    """Return a model as a pipeline of a preparation, which may do nothing, and an estimator."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    from slipway.training.pipelines import MODEL_STEP, PREPARATION_STEP

    steps = [step for _, step in getattr(model, "steps", [])]
    if len(steps) == 2 and isinstance(steps[0], ColumnTransformer):
        return Pipeline([(PREPARATION_STEP, steps[0]), (MODEL_STEP, steps[1])])
    nothing = ColumnTransformer([("columns", "passthrough", list(features))], verbose_feature_names_out=False)
    if hasattr(model, "feature_names_in_"):
        nothing.set_output(transform="pandas")  # it was fitted on names, and warns without them
    return Pipeline([(PREPARATION_STEP, nothing.fit(_few_rows(features))), (MODEL_STEP, model)])


def _few_rows(features: Mapping[str, Feature]) -> pd.DataFrame:
    """Return rows of these columns, from which a transformer that passes them on learns their names."""
    import pandas as pd

    return pd.DataFrame({name: ["", ""] if isinstance(kind, Category) else [0.0, 1.0] for name, kind in features.items()})
