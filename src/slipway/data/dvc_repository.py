"""Rows that a Git repository tracks with DVC: what one revision of it says, from the storage that it names.

Git's credentials are those of Git (an ssh agent, a credential helper), the storage's those of the storage (AWS_* and others).
"""

from __future__ import annotations

from collections.abc import Iterator

from slipway.data.addresses import WAY_OUT, dvc_file, masked
from slipway.data.extras import require
from slipway.errors import DatasetNotFoundError, MissingExtraError, OriginUnreachableError


def read(model: str, address: str) -> bytes:
    """Return the content of `dvc+URL@REVISION#PATH`.

    Raises:
        OriginUnreachableError: The repository or its storage does not answer.
        DatasetNotFoundError: No such repository, revision or path, the storage lacks the file, or it may not be read.
        MissingExtraError: DVC is not installed, or not the part of it for that kind of storage.
    """
    require("dvc", "dvc", model, address)
    from dvc import api
    from dvc.repo.open_repo import clean_repos

    file = dvc_file(address)
    try:
        return bytes(api.read(file.path, repo=file.repository, rev=file.revision, mode="rb"))
    except Exception as error:  # DVC lets those of Git, of the storage and of HTTP through as they are
        raise _told(model, address, error) from error
    finally:
        clean_repos()  # DVC keeps clones of repositories in the temporary folder, and only its own command removes them


def _told(model: str, address: str, error: Exception) -> Exception:
    """Return the error for a person; what is none of DVC's, Git's, the storage's or the network's business is a bug and stays."""
    chain = list(_chain(error))
    reason = masked("; ".join(dict.fromkeys(str(cause) or type(cause).__name__ for cause in chain)))
    if any(_lacks_package(cause) for cause in chain):
        return MissingExtraError(f"{model}: {address} is kept in a storage that DVC cannot read here ({reason}).")
    if any(map(_heals, chain)):
        return OriginUnreachableError(f"{model}: {address} cannot be reached ({reason}). {WAY_OUT}")
    return DatasetNotFoundError(f"{model}: {address} cannot be read ({reason}). {WAY_OUT}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _lacks_package(error: BaseException) -> bool:
    from dvc.fs import RemoteMissingDepsError

    return isinstance(error, RemoteMissingDepsError)


def _heals(error: BaseException) -> bool:
    return isinstance(error, OSError)
