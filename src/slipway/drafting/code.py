"""The text of a model's file, as a person would write it."""

from __future__ import annotations

import textwrap

from slipway.drafting.columns import spoken
from slipway.drafting.families import described
from slipway.drafting.findings import AdoptedVersion, Draft, Found
from slipway.spec import Boolean, Category, Date, Numeric, Quantity, Query, Table, Target, Text
from slipway.spec.tables import PLAIN_CSV, as_code

WIDTH = 140
IN_PLACE = "    "
MANY_ROWS = 20_000  # with more rows, three folds say as much as five

ADOPTED = """    # fitted elsewhere, and not trained here; with an estimator and its search in the place of these lines, releases train it
    estimator=Adopted(
        {version},
        file=Path(__file__).with_name({file}),
        sha256={sha256},
        predicts={predicts},
    ),
    search_space={{}},
    trials=1,
"""
TREES = """    estimator=HistGradientBoosting{kind}(),
    preparation=Preparation(scale=False, missing="native"),
    search_space={
        "max_iter": IntDistribution(40, 320, step=40),
        "learning_rate": FloatDistribution(0.02, 0.3, log=True),
        "max_leaf_nodes": IntDistribution(3, 48, log=True),
        "min_samples_leaf": IntDistribution(4, 64, log=True),
        "l2_regularization": FloatDistribution(1e-3, 10.0, log=True),
    },
    trials=24,
"""
LINEAR = """    estimator={estimator},
    search_space={"{penalty}": FloatDistribution(1e-2, 1e2, log=True)},
    trials=12,
"""


def code(draft: Draft) -> str:
    """Return the content of the file."""
    number = isinstance(draft.target, Quantity)
    kind = "Regressor" if number else "Classifier"
    features = [column for column in draft.columns if column.feature is not None]
    excluded = [column for column in draft.columns if column.feature is None]
    aim, file = _harmless(spoken(draft.target.name)), _harmless(draft.source.file)
    lines = [
        f'"""{aim} from {len(features)} columns of {file}, drafted by `slipway {"adopt" if draft.adopted else "new"}`."""',
        "",
        *(["from pathlib import Path", ""] if draft.adopted else _training_imports(draft.linear, number)),
        f"from sklearn.tree import DecisionTree{kind}",
        "",
        *_imports(_names(draft, features)),
        "",
        "MODEL = ModelSpec(",
        f"    name={_text(draft.name)},",
        f"    registered_as={_text(draft.adopted.registered_as if draft.adopted else draft.name.replace('-', '_'))},",
        f"    description={_text(f'Predicts {draft.target.name} from {len(features)} columns.')},",
        "    dataset=Dataset(",
        f"        origin={_text(draft.source.origin)},",
        f"        sha256={_text(draft.source.sha256)},",
        f"        file={_text(draft.source.file)},",
        *_table(draft.source.table),
        "    ),",
        "    columns=Columns(",
        "        features={",
        *[line for column in features for line in _feature(column)],
        "        },",
        *_target(draft.target),
        *_excluded(excluded),
        "    ),",
        f"    split=Split({_split(draft)}),",
        *(_adopted(draft.adopted) if draft.adopted else _estimator(draft, number)),
        *(["    folds=3,"] if draft.source.rows > MANY_ROWS and not draft.adopted else []),
        f"    metric={_text(draft.metric)},",
        *([f"    slices={{{', '.join(f'{_text(name)}: ()' for name in draft.slices)}}},"] if draft.slices else []),
        f"    baseline=DecisionTree{kind}(max_leaf_nodes=3),",
        f"    # {_baselines(draft)}",
        f"    gate=Gate({_gate(draft)}),",
        "    # a person must say what the model is for: those who rely on it read this in its card",
        "    card=Card(",
        f"        intended_use={_text(f'TODO: what {draft.name} is for, and who decides by its answers.')},",
        f"        not_for={_text(f'TODO: what {draft.name} must not be used for, and for whom it does not hold.')},",
        "    ),",
        f"    port={draft.port},",
        ")",
    ]
    return "\n".join(lines) + "\n"


def _training_imports(linear: bool, number: bool) -> list[str]:
    if linear:
        return [
            "from optuna.distributions import FloatDistribution",
            f"from sklearn.linear_model import {'Ridge' if number else 'LogisticRegression'}",
        ]
    return [
        "from optuna.distributions import FloatDistribution, IntDistribution",
        f"from sklearn.ensemble import HistGradientBoosting{'Regressor' if number else 'Classifier'}",
    ]


def _estimator(draft: Draft, number: bool) -> list[str]:
    """Return the lines of the estimator and its search, and what it was compared with."""
    compared = [f"    # {described(draft.families, draft.metric)}"] if draft.families else []
    if not draft.linear:
        return [*compared, *TREES.replace("{kind}", "Regressor" if number else "Classifier").rstrip("\n").split("\n")]
    estimator, penalty = ("Ridge()", "alpha") if number else ("LogisticRegression(max_iter=2_000)", "C")
    return [*compared, *LINEAR.replace("{estimator}", estimator).replace("{penalty}", penalty).rstrip("\n").split("\n")]


def _adopted(version: AdoptedVersion) -> list[str]:
    values = {name: _text(getattr(version, name)) for name in ("version", "file", "sha256", "predicts")}
    trusted = ["    trusted=(", *[f"        {_text(name)}," for name in version.trusted], "    ),"] if version.trusted else []
    return [*ADOPTED.format(**values).rstrip("\n").split("\n"), *trusted]


def _names(draft: Draft, features: list[Found]) -> list[str]:
    """Return what the file imports of `slipway.spec`, as formatters order it: names in capitals first."""
    names = {"Card", "Columns", "Dataset", "Gate", "ModelSpec", "Split", type(draft.target).__name__}
    names |= {type(column.feature).__name__ for column in features}
    names |= {"Adopted"} if draft.adopted else set() if draft.linear else {"Preparation"}
    if draft.source.table != PLAIN_CSV:
        names.add(type(draft.source.table).__name__)
    return sorted(names, key=lambda name: (not name.isupper(), name))


def _table(table: Table) -> list[str]:
    if table == PLAIN_CSV:
        return []
    line = f"        table={_quoted(as_code(table))},"
    if len(line) <= WIDTH or not isinstance(table, Query) or "\n" in table.sql:  # a line may end a comment of SQL
        return [line]
    sql = textwrap.wrap(table.sql, WIDTH - 20, break_long_words=False, break_on_hyphens=False)
    parts = [_text(part if place == 0 else f" {part}") for place, part in enumerate(sql)]
    return ["        table=Query(", *[f"{IN_PLACE * 3}{part}" for part in parts], "        ),"]


def _imports(names: list[str]) -> list[str]:
    one = f"from slipway.spec import {', '.join(names)}"
    return [one] if len(one) <= WIDTH else ["from slipway.spec import (", *[f"    {name}," for name in names], ")"]


def _feature(column: Found) -> list[str]:
    kind, indent = column.feature, IN_PLACE * 3
    if isinstance(kind, Numeric):
        given = [_number(kind.low), _number(kind.high), _text(kind.unit), _text(kind.description)]
        given += [f"{flag}=True" for flag in ("integer", "missing") if getattr(kind, flag)]
    elif isinstance(kind, Category):
        given = [f"({', '.join(map(_text, kind.values))})", _text(kind.description)]
        given += [f"{flag}=True" for flag in ("missing", "other") if getattr(kind, flag)]
    elif isinstance(kind, Date):
        given = [_text(kind.description), *([f"since={_text(kind.since)}"] if kind.since else [])]
        given += [*(["missing=True"] if kind.missing else []), *([f"format={_text(kind.format)}"] if kind.format else [])]
        given += ["time=True"] if kind.time else []
    elif isinstance(kind, Text):
        given = [_text(kind.description), *(["missing=True"] if kind.missing else [])]
        given += [f"longest={_number(kind.longest)}"] if kind.longest != Text("").longest else []
    else:
        given = [_text(kind.description) if isinstance(kind, Boolean) else "", *(["missing=True"] if kind and kind.missing else [])]
    line = f"{indent}{_text(column.name)}: {type(kind).__name__}({', '.join(given)}),"
    why = _harmless(column.why)
    noted = f"{line}  # {why}"
    if len(noted) <= WIDTH:
        return [noted]
    if len(line) <= WIDTH:
        return [f"{indent}# {why}", line]
    if not isinstance(kind, Category):
        return [f"{indent}# {why}", f"{indent}{_text(column.name)}: {type(kind).__name__}(", *_listed(given, 4), f"{indent}),"]
    values = _wrapped(list(map(_text, kind.values)), 5)
    return [
        f"{indent}# {why}",
        f"{indent}{_text(column.name)}: Category(",
        f"{IN_PLACE * 4}(",
        *values,
        f"{IN_PLACE * 4}),",
        *_listed(given[1:], 4),
        f"{indent}),",
    ]


def _listed(given: list[str], depth: int) -> list[str]:
    return [f"{IN_PLACE * depth}{one}," for one in given]


def _wrapped(values: list[str], depth: int) -> list[str]:
    lines, line = [], IN_PLACE * depth
    for value in values:
        if len(line) + len(value) + 2 > WIDTH:
            lines.append(line.rstrip())
            line = IN_PLACE * depth
        line += f"{value}, "
    return [*lines, line.rstrip()]


def _split(draft: Draft) -> str:
    stratify = not (isinstance(draft.target, Quantity) or draft.by)
    decided = [f"{field}={_text(column)}" for field, column in (("by", draft.by), ("group", draft.group)) if column]
    test = 0.5 if draft.adopted else 0.2  # nothing is trained on the others
    return ", ".join([f"test={test}", "seed=42", f"stratify={stratify}", *decided])


def _gate(draft: Draft) -> str:
    """Return the floor; of an error, also how much worse than the champion a candidate may be, which is in the unit of the number."""
    texts = any(isinstance(column.feature, Text) for column in draft.columns)
    slower = ", milliseconds=250" if texts else ""  # scikit-learn itself answers
    if not isinstance(draft.target, Quantity):
        return f"floor={draft.floor}{slower}"
    tolerance = float(f"{draft.floor / 100:.1g}")
    return f"floor={draft.floor}, tolerance={tolerance}, slice_tolerance={4 * tolerance:g}{slower}"


def _target(target: Target | Quantity) -> list[str]:
    if isinstance(target, Quantity):
        limits = [f"{limit}={_number(getattr(target, limit))}" for limit in ("low", "high")]
        given = [_text(target.name), _text(target.unit), _text(target.description), *limits, *(["log=True"] if target.log else [])]
        return [f"        target=Quantity({', '.join(given)}),"]
    classes = ", ".join(f"{_label(label)}: {_text(meaning)}" for label, meaning in target.classes.items())
    more = [f"positive={_label(target.positive)}"] if target.positive is not None else []
    if target.in_file:
        more.append(f"in_file={{{', '.join(f'{_label(label)}: {_text(text)}' for label, text in target.in_file.items())}}}")
    line = f"        target=Target({_text(target.name)}, {{{classes}}}{''.join(f', {one}' for one in more)}),"
    if len(line) <= WIDTH:
        return [line]
    return [
        "        target=Target(",
        f"            {_text(target.name)},",
        "            {",
        *[f"                {_label(label)}: {_text(meaning)}," for label, meaning in target.classes.items()],
        "            },",
        *[f"            {one}," for one in more],
        "        ),",
    ]


def _excluded(columns: list[Found]) -> list[str]:
    if not columns:
        return []
    return ["        excluded={", *[f"            {_text(column.name)}: {_text(column.why)}," for column in columns], "        },"]


def _baselines(draft: Draft) -> str:
    shown = ", ".join(f"{name.replace('_', ' ')} {figure:.3g}" for name, figure in draft.baselines.items())
    change = "lower" if isinstance(draft.target, Quantity) else "raise"
    return f"what simple models reach on the training rows: {shown}; {change} the floor after the first release"


def _label(label: object) -> str:
    return str(label) if isinstance(label, int) else _text(str(label))


def _number(number: float | None) -> str:
    if number is None:
        return "None"
    return f"{int(number):_}" if float(number).is_integer() else repr(float(number))


def _harmless(text: str) -> str:
    """Return a text that ends neither a comment nor a docstring: the file is run, and the names in a table are a stranger's."""
    return "".join(sign for sign in text if sign.isprintable() and sign not in '"\\')


def _quoted(written: str) -> str:
    """Return code with double quotes instead of single ones, where no text of it has any."""
    return written if '"' in written else written.replace("'", '"')


def _text(text: str) -> str:
    """Return a text as Python writes it, in double quotes where it can."""
    written = repr(text)
    return written if '"' in text or not written.startswith("'") else f'"{written[1:-1]}"'.replace("\\'", "'")
