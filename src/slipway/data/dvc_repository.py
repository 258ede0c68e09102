"""Rows that a Git repository tracks with DVC: one revision of a file, from the storage that the repository names.

Git uses its own credentials (an ssh agent, a credential helper), and so does the storage (AWS_* and others).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import httpx

from slipway.data import s3_store
from slipway.data.extras import require
from slipway.errors import DatasetNotFoundError, MissingExtraError, OriginUnreachableError, SlipwayError
from slipway.files.addresses import WAY_OUT, DvcFile, dvc_file, masked

TIMEOUT = 10.0  # seconds, to find out whether a storage answers at all
SERVER_ERROR = re.compile(r"unexpected http resp 5\d\d")  # dulwich, which reads Git over HTTP, reports it only in its message


def read(model: str, address: str) -> bytes:
    """Return the content of `dvc+URL@REVISION#PATH`.

    Raises:
        OriginUnreachableError: The repository or its storage does not answer.
        DatasetNotFoundError: No such repository, revision or path, the storage lacks the file, or access is denied.
        MissingExtraError: DVC is not installed, or lacks its part for that kind of storage.
    """
    require("dvc", "dvc", model, address)
    from dvc import api
    from dvc.repo.open_repo import clean_repos

    file = dvc_file(address)
    try:
        return bytes(api.read(file.path, repo=file.repository, rev=file.revision, mode="rb"))
    except Exception as error:  # DVC passes on the errors of Git, the storage and HTTP
        raise _explained(model, address, file, error) from error
    finally:
        clean_repos()  # DVC keeps clones of repositories in the temporary folder, and only its own command removes them


def _explained(model: str, address: str, file: DvcFile, error: Exception) -> SlipwayError:
    """Return the error to show: the messages of DVC and its libraries, with a type that says whether another attempt may help."""
    from dvc.exceptions import PathMissingError
    from dvc.fs import RemoteMissingDepsError

    causes = list(_causes(error))
    if missing := next((cause for cause in causes if isinstance(cause, (ImportError, RemoteMissingDepsError))), None):
        return MissingExtraError(f"{model}: {address} is in a storage that DVC cannot read here: {missing}.")
    reason = masked("; ".join(dict.fromkeys(str(cause) or type(cause).__name__ for cause in causes)))
    if any(map(_heals, causes)):
        return OriginUnreachableError(f"{model}: {address} cannot be reached ({reason}). {WAY_OUT}")
    if isinstance(error, PathMissingError) and (silent := _silent_storage(file)):
        return OriginUnreachableError(f"{model}: the storage of {address} cannot be reached ({masked(silent)}). {WAY_OUT}")
    return DatasetNotFoundError(f"{model}: {address} cannot be read ({reason}). {WAY_OUT}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _heals(error: BaseException) -> bool:
    """Return whether an error may heal, so that another attempt may help."""
    from aiohttp import ClientConnectionError, ClientPayloadError, ClientResponseError
    from urllib3.exceptions import HTTPError

    if isinstance(error, (ConnectionError, TimeoutError, HTTPError, ClientConnectionError, ClientPayloadError)):
        return True
    if isinstance(error, ClientResponseError):
        return error.status >= 500
    if "botocore" in sys.modules and s3_store.heals(error):
        return True
    return SERVER_ERROR.search(str(error)) is not None


def _silent_storage(file: DvcFile) -> str:
    """Return why a storage behind HTTP does not answer, "" if it does: DVC reports a missing file when the storage is down."""
    from dvc import api
    from dvc.exceptions import DvcException

    try:
        url = api.get_url(file.path, repo=file.repository, rev=file.revision)
    except DvcException:  # the path is not in a storage
        return ""
    if not url.startswith(("http://", "https://")):
        return ""
    try:
        answer = httpx.head(url, timeout=TIMEOUT, follow_redirects=True)
    except httpx.TransportError as error:
        return f"{url}: {error or type(error).__name__}"
    return f"{url} answered {answer.status_code} {answer.reason_phrase}" if answer.is_server_error else ""
