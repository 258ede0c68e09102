"""A home folder at another place than where it was made."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path


def copy_home(home: Path, to: Path, *left_out: str) -> None:
    """Copy what is in a home folder into another one, without the folders that are left out; files that are there are replaced."""
    shutil.copytree(home, to, ignore=lambda folder, _: left_out if Path(folder) == home else (), dirs_exist_ok=True)
    relocate(to, str(home), str(to))


def relocate(home: Path, old: str, new: str) -> None:
    """Replace the beginning of an address wherever MLflow has recorded it in a home folder."""
    with closing(sqlite3.connect(home / "mlflow" / "mlflow.db")) as database, database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for _, column, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall():
                change = f'UPDATE "{table}" SET "{column}" = replace("{column}", :old, :new) WHERE instr("{column}", :old)'
                database.execute(change, {"old": old, "new": new})
    for model in (home / "mlflow" / "artifacts").rglob("MLmodel"):
        model.write_text(model.read_text().replace(old, new))
