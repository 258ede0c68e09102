"""`slipway adopt`: a version that somebody else registered in MLflow is put into service as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.commands.models import DIFFERS, OWN
from deployments.commands.release import release
from deployments.terminal.command import AsJson, command, fail
from deployments.terminal.output import say, show, show_json

if TYPE_CHECKING:
    from slipway.drafting.adopting import AdoptedDraft
    from slipway.settings import Settings


def adopt(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version in MLflow: models:/NAME/VERSION or models:/NAME@ALIAS.")],
    rows: Annotated[str, typer.Option("--rows", metavar="TABLE", help="The file of rows with true answers, or its address.")],
    target: Annotated[str, typer.Option("--target", metavar="COLUMN", help="The column with the true answers.")],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The model's name here; if left out, after MLflow's.")] = None,
    columns: Annotated[
        str, typer.Option("--columns", metavar="A,B", help="The columns that it takes, in its order, if it does not name them itself.")
    ] = "",
    trust: Annotated[
        list[str] | None, typer.Option("--trust", metavar="TYPE", help="A further type, as module.Type, that it may contain; repeatable.")
    ] = None,
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Read a pickle once, in a process without network and files; know who made it.")
    ] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, metavar="PORT", help="The model's own port.")] = None,
    query: Annotated[str | None, typer.Option("--query", metavar="SQL", help="What to read from a database.")] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FOLDER", help="Where the file goes; if left out, SLIPWAY_MODELS.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Write the model's file, and stop before the release.")] = False,
    approval: Annotated[bool, typer.Option("--approval", help="After the gate, wait until a person approves in the run page.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace a file that is there and differs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a version that somebody else logged, and put it into service as it is: nothing is trained.

    Its columns come from its signature, and their ranges from the rows. The draft of a model's file is written, with the fitted model
    beside it, and released: the gate judges it by the rows, and from then on it is a model like any other.

    Exit status: 0 promoted, 1 failed, 3 refused by the gate, rejected by a person, or a file differs and was left as it is.

    For example: slipway adopt models:/churn/3 --rows customers.csv --target churned
    """
    with command(as_json) as settings:
        from slipway.catalogue import listings, read_again
        from slipway.drafting.drafting import free_port
        from slipway.errors import DraftError

        name = name or _name_of(version)
        folder = (to or settings.models or OWN).expanduser()
        if not draft and (settings.models is None or settings.models.expanduser().resolve() != folder.resolve()):
            raise DraftError(
                f"a release finds model files in the folder that SLIPWAY_MODELS names, and that is not {folder}. "
                f"Set SLIPWAY_MODELS={folder}, for the platform too; or leave the release for later with --draft."
            )
        path, catalogue = folder / f"{name.replace('-', '_')}.py", listings()
        if name in catalogue and not path.exists():
            raise DraftError(f"the catalogue has a model {name!r} already. Choose another name with --name.")
        taken = [model.port for other, model in catalogue.items() if other != name]
        say(f"{name}: reading {version} from MLflow at {settings.tracking}")

        from slipway.drafting.adopting import draft_of_version
        from slipway.drafting.versions import Trust, read_version
        from slipway.tracking.connection import connect

        names = [one.strip() for one in columns.split(",") if one.strip()]
        logged = read_version(connect(settings), version, Trust(trust or (), trust_pickle), names)
        say(f"{name}: {logged.address} is a {type(logged.model).__name__} of {len(logged.columns)} columns; reading {rows}")
        made = draft_of_version(name, logged, rows, target, port or free_port(path, taken), query=query, login=settings.sql_login)
        before = {file: file.read_bytes() for file in (path, path.with_suffix(".skops")) if file.exists()}
        written = _write(path, made, yes, as_json)
        if draft or not written:
            _explain(path, made, written, settings, as_json)
            raise typer.Exit(0 if written else DIFFERS)
        read_again()
    with undone_unless_promoted(path, before):
        release(
            name, approval=approval, because=f"adopts {logged.address}{', read from a pickle' if logged.pickled else ''}", as_json=as_json
        )


@contextmanager
def undone_unless_promoted(path: Path, before: Mapping[Path, bytes]) -> Iterator[None]:
    """Put the files back that were there, if another version is not promoted: the next release is of the one before."""
    from slipway.files.replacing import replace as replace_file

    try:
        yield
    except BaseException as error:
        if path in before and getattr(error, "exit_code", 1) != 0:
            for file, content in before.items():
                replace_file(file, content)
            say(f"{path} is as it was before")
        raise


def _name_of(version: str) -> str:
    """Return a model's name for that of a registered model: churn-model for Churn_Model."""
    registered = re.split(r"[/@]", version.removeprefix("models:/"))[0]
    return "-".join(re.findall(r"[a-z0-9]+", registered.lower())) or "adopted"


def _write(path: Path, made: AdoptedDraft, yes: bool, as_json: bool) -> bool:
    """Write the stored model, and then the file that names it. In a file that adopts a version of it, only version and rows are replaced.

    Returns:
        False if another file is there, and may not be replaced.
    """
    from slipway.drafting.adopting import with_version
    from slipway.drafting.code import code
    from slipway.files.replacing import replace as replace_file

    content, stored = code(made.draft), path.with_suffix(".skops")
    if path.exists() and not yes:
        kept = with_version(path.read_text(encoding="utf-8"), made.draft, path)
        if kept is None:
            return False
        content = kept
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(stored, made.stored)
        replace_file(path, content.encode())
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        fail("DraftError", f"{path} cannot be written ({error.strerror}). Name another folder with --to.", as_json)
    return True


def _explain(path: Path, made: AdoptedDraft, written: bool, settings: Settings, as_json: bool) -> None:
    draft = made.draft
    if as_json:
        taken = [column.name for column in draft.columns if column.feature]
        show_json({"name": draft.name, "file": str(path), "written": written, "columns": taken})
        return
    if not written:
        show(f"{path} is of another model, or has other columns, and is as it was; --yes replaces it, --name chooses another name")
        return
    show(f"{path} is written, with the model in {path.with_suffix('.skops').name}; the lines with TODO are yours to fill in")
    for ask in draft.asks:
        show(f"only you can say: {ask}")
    show(f"next: {'' if settings.models else f'SLIPWAY_MODELS={path.parent} '}slipway release {draft.name}")
