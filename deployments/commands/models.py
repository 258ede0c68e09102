"""`slipway models`: the models of the catalogue. `slipway check`: what is wrong with their files. `slipway new`: the draft of another one,
from a table. `slipway samples`: the statistics that its sample rows are drawn from.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal.command import AsJson, ModelArgument, command, fail
from deployments.terminal.output import say, say_error, show, show_json, show_table

if TYPE_CHECKING:
    from slipway.drafting.findings import Draft
    from slipway.settings import Settings

DIFFERS = 3
OWN = Path("models")  # where a person's own files go who has named no folder


def models(as_json: AsJson = False) -> None:
    """List the models, and the port of each; and say what is wrong with files that are left out.

    For example: slipway models --json
    """
    with command(as_json) as settings:
        from slipway.catalogue import listings, port_of

        logging.getLogger("slipway.catalogue").setLevel(logging.ERROR)  # what is left out is said at the end
        catalogue = listings()
        found = catalogue.values()
        if as_json:
            show_json(
                [
                    {
                        "name": model.name,
                        "registered_as": model.registered_as,
                        "port": port_of(model, settings),
                        "metric": model.metric,
                        "floor": model.floor,
                        "challenges": model.challenges,
                        "description": model.description,
                    }
                    for model in found
                ]
            )
        else:
            show_table(
                ("model", "registered as", "port", "gate", "description"),
                [
                    (
                        model.name,
                        model.registered_as,
                        port_of(model, settings),
                        f"{model.metric} {'<=' if model.lower_is_better else '>='} {model.floor}",
                        f"{model.description} Challenges {model.challenges}." if model.challenges else model.description,
                    )
                    for model in found
                ],
            )
        for wrong in catalogue.left_out.values():
            say_error(f"left out: {wrong}")


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Model files, or folders of them, anywhere; if left out, all of the catalogue."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check model files, and list everything that is wrong with them, with file and line. Nothing is changed.

    Exit status: 0 nothing is wrong, 1 something is.

    For example: slipway check models/ward_stay.py
    """
    with command(as_json):
        from slipway.catalogue.faults import chosen, faults

        places = chosen(files or [])
        found = [replace(fault, file=_shown(fault.file)) for fault in faults(places)]
        if as_json:
            show_json([asdict(fault) for fault in found])
            raise typer.Exit(bool(found))
        for fault in found:
            show(str(fault))
        count = f"{len(places)} model file{'s' if len(places) > 1 else ''}"
        say(f"{count}: {len(found)} {'things are' if len(found) > 1 else 'thing is'} wrong" if found else f"{count}: nothing is wrong")
        raise typer.Exit(bool(found))


def _shown(file: str) -> str:
    """Return a path as a person in this folder would write it."""
    return str(Path(file).relative_to(Path.cwd())) if Path(file).is_relative_to(Path.cwd()) else file


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model's name: lower-case letters, digits and hyphens.")],
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The file of rows, or its address; for a database, with --query.")],
    target: Annotated[str, typer.Option("--target", metavar="COLUMN", help="The column to predict.")],
    to: Annotated[Path | None, typer.Option("--to", metavar="FOLDER", help="Where the file goes; if left out, SLIPWAY_MODELS.")] = None,
    query: Annotated[str | None, typer.Option("--query", metavar="SQL", help="What to read from a database.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace a file that is there and differs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read a table, and draft the model's file: columns, classes, search, gate. Nothing else is changed.

    Run again, it shows how the draft differs from the file, and replaces nothing unasked.

    Exit status: 0 the file is written or is as drafted, 1 failed, 3 the file differs and was left as it is.

    For example: slipway new ward-stay stays.csv --target long_stay
    """
    with command(as_json) as settings:
        from slipway.catalogue import listings
        from slipway.errors import DraftError

        catalogue, path = listings(), _place(name, to, settings)
        if name in catalogue and not path.exists():
            raise DraftError(
                f"the catalogue has a model {name!r} already. Choose another name; `slipway models` lists those that are taken."
            )
        say(f"{name}: reading {table}")

        from slipway.drafting.code import code
        from slipway.drafting.drafting import draft, free_port

        taken = [model.port for other, model in catalogue.items() if other != name]
        made = draft(name, table, target, free_port(path, taken), query=query, login=settings.sql_login)
        written, difference = _write(path, code(made), yes, as_json)
        if as_json:
            show_json(_as_json(made, path, written, difference))
        else:
            _explain(made, path, written, difference, settings)
        if difference and not written:
            raise typer.Exit(DIFFERS)


def samples(
    name: ModelArgument,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The rows, as the model's file declares them; if left out, those it pins.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Derive the quantiles and counts that `slipway release --sample` draws rows from, and keep them beside the model's file.

    They have no row of the data, and of your own models nothing that fewer than five rows share. Run again, it writes the same.

    For example: slipway samples ward-stay
    """
    with command(as_json) as settings:
        from slipway.catalogue import listings

        listings().lookup(name)
        say(f"{name}: reading {file or 'the rows of its origin'}")

        from slipway.catalogue import lookup
        from slipway.data import fetching, typed_rows
        from slipway.data.sample_statistics import keep
        from slipway.data.samples import rows_of_classes
        from slipway.data.validation import validate
        from slipway.errors import DatasetNotFoundError

        spec = lookup(name)
        if file is None:
            rows = typed_rows.read(spec, fetching.fetch(spec, settings.mirror, settings.snapshots, settings.sql_login))
        elif file.is_file():
            rows = validate(spec, file)
        else:
            raise DatasetNotFoundError(f"{name}: there is no file {file}. Name a file of rows, or leave it out for the rows of the origin.")
        kept = keep(spec, rows)
        drawn = sum(rows_of_classes({group: known["rows"] for group, known in kept.facts["classes"].items()}).values())
        if as_json:
            show_json({"model": name, "file": str(kept.path), "written": kept.changed, "rows": len(rows), "sample_rows": drawn})
        else:
            show(f"{kept.path} {'is written' if kept.changed else 'is as it was'}: quantiles and counts of {len(rows):,} rows, and no row")
            show(f"next: slipway release {name} --sample, on {drawn:,} generated rows")


def _place(name: str, to: Path | None, settings: Settings) -> Path:
    folder = to or settings.models or OWN
    return folder.expanduser() / f"{name.replace('-', '_')}.py"


def _write(path: Path, content: str, yes: bool, as_json: bool) -> tuple[bool, str]:
    """Write the file, unless one is there that differs, and nobody allows to replace it.

    Returns:
        Whether it was written, and how the draft differs from the file that was there.
    """
    from slipway.drafting.drafting import compared
    from slipway.files.replacing import replace as replace_file

    difference = compared(path.read_text(encoding="utf-8"), content, path) if path.exists() else ""
    if path.exists() and not difference:
        return False, ""
    if difference and not yes:
        if as_json or not sys.stdin.isatty():
            return False, difference
        show(difference)
        if not typer.confirm(f"Replace {path}?"):
            return False, difference
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content.encode())
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        fail("DraftError", f"{path} cannot be written ({error.strerror}). Name another folder with --to.", as_json)
    return True, difference


def _explain(made: Draft, path: Path, written: bool, difference: str, settings: Settings) -> None:
    rows = [(column.name, "left out" if column.feature is None else type(column.feature).__name__, column.why) for column in made.columns]
    show_table(("column", "kind", "because"), rows)
    classes = getattr(made.target, "classes", None)
    what = f"one of {', '.join(map(str, classes))}" if classes else "a number"
    show(f"{made.source.rows:,} rows; {made.target.name} is {what}; tuned by {made.metric}, the floor is {made.floor:g}")
    if made.families:
        from slipway.drafting.families import described

        show(f"the estimator is {'a linear model' if made.linear else 'boosted trees'}: {described(made.families, made.metric)}")
    for ask in made.asks:
        show(f"only you can say: {ask}")
    if difference and not written:
        if not sys.stdin.isatty():
            show(difference)
        show(f"{path} differs from the draft and is as it was; --yes replaces it")
        return
    show(f"{path} is {'written' if written else 'as it was drafted'}; the lines with TODO are yours to fill in")
    named = settings.models and settings.models.expanduser().resolve() == path.parent.resolve()
    prefix = "" if named else f"SLIPWAY_MODELS={path.parent} "
    show(f"next: {prefix}slipway release {made.name} --dry-run")


def _as_json(made: Draft, path: Path, written: bool, difference: str) -> dict[str, object]:
    return {
        "name": made.name,
        "file": str(path),
        "written": written,
        "difference": difference,
        "rows": made.source.rows,
        "target": made.target.name,
        "classes": list(getattr(made.target, "classes", ())),
        "metric": made.metric,
        "floor": made.floor,
        "baselines": made.baselines,
        "families": made.families,
        "linear": made.linear,
        "columns": [
            {"name": column.name, "kind": column.feature and type(column.feature).__name__, "because": column.why}
            for column in made.columns
        ],
        "asks": list(made.asks),
    }
