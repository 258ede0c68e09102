"""Reading a whole file from an address: a path, the web, an S3 store, a DVC repository, or the result of a query to a database.

Each kind distinguishes the same three failures: an origin that does not answer, which may heal; one that lacks the file or denies
access, which will not; and an optional package that is not installed.
"""

from __future__ import annotations

from pathlib import Path

import httpx

from slipway.data import databases, dvc_repository, s3_store
from slipway.errors import DatasetNotFoundError, OriginUnreachableError
from slipway.files.addresses import NO_LOGIN, OF_PATHS, SQL, WAY_OUT, WEB, Login
from slipway.spec.tables import PLAIN_CSV, Query, Table

TIMEOUT = httpx.Timeout(60.0, connect=10.0)


def read(model: str, address: str, table: Table = PLAIN_CSV, login: Login = NO_LOGIN) -> bytes:
    """Return the content of the file at an address.

    Args:
        model: The model that needs the file, for the errors.
        table: What the file is; for a database, the query.
        login: Who reads a database.
    Raises:
        OriginUnreachableError: No connection, an interrupted answer, or 5xx. Another attempt may help.
        DatasetNotFoundError: There is no such file, or access is denied.
        MissingExtraError: The address is of a kind whose packages are not installed.
    """
    scheme = address.partition("://")[0]
    if scheme in WEB:
        return _download(model, address)
    if scheme == "s3":
        return s3_store.read(model, address)
    if scheme.startswith("dvc+"):
        return dvc_repository.read(model, address)
    if scheme.startswith(SQL):
        if not isinstance(table, Query):
            raise DatasetNotFoundError(f"{model}: {address} is a database, but the model's file has no query. Write table=Query(...).")
        return databases.read(model, address, table, login)
    return _read_file(model, Path(address.removeprefix("file://")).expanduser())


def _read_file(model: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise DatasetNotFoundError(f"{model}: there is no file {path}. {OF_PATHS}") from None
    except (IsADirectoryError, PermissionError) as error:
        raise DatasetNotFoundError(f"{model}: {path} cannot be read as a file ({error.strerror}). {OF_PATHS}") from None


def _download(model: str, address: str) -> bytes:
    try:
        response = httpx.get(address, timeout=TIMEOUT, follow_redirects=True)
    except httpx.TransportError as error:
        raise OriginUnreachableError(f"{model}: {address} cannot be reached ({error or type(error).__name__}). {WAY_OUT}") from error
    if response.is_server_error:
        raise OriginUnreachableError(f"{model}: {address} answered {response.status_code} {response.reason_phrase}. {WAY_OUT}")
    if response.is_error:
        raise DatasetNotFoundError(f"{model}: {address} answered {response.status_code} {response.reason_phrase}. {WAY_OUT}")
    return response.content
