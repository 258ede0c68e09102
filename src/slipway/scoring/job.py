"""What to score, with what, and where to write the answers. A job that cannot work is refused before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from slipway.errors import ScoringError

Through = Literal["bundle", "endpoint"]

CHUNK = 20_000
FORMATS = (".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class Job:
    """One file to score.

    `source` is an absolute path or an http(s) address. `keep` are the columns to copy beside the answers; None: those that the model
    does not take. `chunk` is the number of rows that are scored at a time. `subject` is the column that names the person a row
    describes, for the endpoint's audit log.
    """

    model: str
    source: str
    destination: Path
    through: Through = "bundle"
    keep: tuple[str, ...] | None = None
    chunk: int = CHUNK
    subject: str | None = None

    @property
    def rejected(self) -> Path:
        """The file for the violations of the rows that break the contract."""
        return self.destination.with_name(f"{self.destination.name}.rejected.csv")

    @property
    def remote(self) -> bool:
        return is_address(self.source)

    @property
    def shown_source(self) -> str:
        """The source as it may be recorded, without its query, which may be a signature."""
        return urlunsplit(urlsplit(self.source)._replace(query="", fragment="")) if self.remote else self.source


def job(
    model: str,
    source: str,
    destination: str | Path | None = None,
    through: Through = "bundle",
    keep: Sequence[str] | None = None,
    chunk: int = CHUNK,
    subject: str | None = None,
) -> Job:
    """Return the job. Without a destination, the predictions go beside a local source, as `<name>.predictions.<its suffix>`.

    Raises:
        ScoringError: The address has a password, the destination cannot be written or is the source, the chunk has no row, or subjects
            are named but nothing is logged.
    """
    if chunk < 1:
        raise ScoringError(f"chunk: expected 1 row or more, received {chunk}.")
    if subject and through == "bundle":
        raise ScoringError(f"subject: {subject!r} is for the audit log, which only the endpoint writes (--through endpoint).")
    if is_address(source):
        _refuse_password(source)
        if destination is None:
            raise ScoringError(f"{_host(source)}: say where the predictions go (--to), because an address has no folder for them.")
    else:
        source = str(Path(source.removeprefix("file://")).expanduser().absolute())
    chosen = Path(destination).expanduser().absolute() if destination else _beside(Path(source))
    found = Job(
        model=model,
        source=source,
        destination=chosen,
        through=through,
        keep=None if keep is None else tuple(dict.fromkeys(keep)),
        chunk=chunk,
        subject=subject,
    )
    _refuse_destination(found)
    return found


def is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def name_in(address: str) -> str:
    """Return the last part of an address's path."""
    return Path(unquote(urlsplit(address).path)).name or "rows"


def _beside(source: Path) -> Path:
    suffix = source.suffix if source.suffix in FORMATS else ".csv"
    return source.with_name(f"{source.stem}.predictions{suffix}")


def _refuse_password(address: str) -> None:
    parts = urlsplit(address)
    if parts.username or parts.password:
        raise ScoringError(f"{_host(address)}: the address must not have a user or a password: it is recorded with the run.")


def _host(address: str) -> str:
    return urlsplit(address).hostname or "the address"


def _refuse_destination(found: Job) -> None:
    destination = found.destination
    if destination.suffix not in FORMATS:
        raise ScoringError(f"{destination}: expected a name that ends in {' or '.join(FORMATS)}; the ending chooses the format.")
    if not destination.parent.is_dir():
        raise ScoringError(f"{destination}: there is no folder {destination.parent}. Make it, or name another file (--to).")
    for path in (destination, found.rejected):
        if path.is_dir():
            raise ScoringError(f"{path} is a folder; name a file (--to).")
        if not found.remote and (str(path) == found.source or _same(path, Path(found.source))):
            raise ScoringError(f"{path} is the source itself, which is never overwritten; name another file (--to).")


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
