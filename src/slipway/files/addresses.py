"""The addresses of rows: their forms, and the secrets that they must not contain. Nothing is read here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

WEB = ("http", "https")
DVC = ("dvc+file", "dvc+http", "dvc+https", "dvc+ssh")
SQL = "sql+"
KNOWN = (*WEB, "file", "s3", *DVC)
DATABASE = re.compile(r"sql\+[a-z0-9]+(\+[a-z0-9_]+)?")

# parameters of signed addresses: anyone who reads one in a record could fetch the rows
SIGNATURES = frozenset({"access_token", "awsaccesskeyid", "sig", "signature", "token", "x-amz-credential", "x-amz-signature"})

# parameters of a database's address that are a part of its login, in the words of different drivers
LOGINS = frozenset({"user", "username", "uid", "password", "passwd", "pwd", "passfile", "sslpassword", "odbc_connect"})

WAY_OUT = "Set SLIPWAY_MIRROR to a folder or address that has the file, or try the system out with --sample (generated rows)."
OF_PATHS = "Correct the path, in the model's file or in SLIPWAY_MIRROR, or try the system out with --sample (generated rows)."


@dataclass(frozen=True, slots=True)
class Login:
    """Who reads a database. Without a user, it is the one that the driver finds in the environment, such as PGUSER."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)


NO_LOGIN = Login()


@dataclass(frozen=True, slots=True)
class DvcFile:
    """A file of a DVC project, as `dvc.api` names it: the Git repository as URL or path, its revision, and a path in it."""

    repository: str
    revision: str
    path: str


def checked(address: str, what: str) -> str:
    """Return an address that Slipway can read and may record, or a path.

    Args:
        what: The name of the address, for the error: SLIPWAY_MIRROR, or a model's origin.
    Raises:
        ValueError: It contains a secret, which the error does not show, or is of a kind that Slipway cannot read.
    """
    scheme, found, _ = address.partition("://")
    if not found:
        return address
    if _has_secret(scheme, address):
        raise ValueError(
            f"{what} must not contain a password, a token or a signature: the address of the rows is recorded with every run. "
            "Credentials come from the environment, such as AWS_PROFILE or SLIPWAY_SQL_PASSWORD, or from Git's credential helper."
        )
    if scheme not in KNOWN and not DATABASE.fullmatch(scheme):
        known = ", ".join([*KNOWN, "sql+postgresql", "sql+sqlite"])
        raise ValueError(f"{what} {address} begins with {scheme}://; rows are read from a path or from one of {known}.")
    return address


def is_local(address: str) -> bool:
    """Return whether an address is of this machine: a path, a repository of DVC in a folder, or a file of SQLite."""
    return "://" not in address or address.startswith(("file://", "dvc+file://", "sql+sqlite:"))


def _has_secret(scheme: str, address: str) -> bool:
    parts = urlsplit(address)
    named = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if scheme.startswith(SQL):
        return "@" in address or bool(named & LOGINS)  # a password may contain what ends the host elsewhere
    # over ssh a user name is a part of the address (git@host); elsewhere it is a part of a credential, or a token
    return bool(parts.password or (parts.username and scheme != "dvc+ssh") or named & SIGNATURES)


def dvc_file(address: str) -> DvcFile:
    """Split `dvc+URL@REVISION#PATH`, the form in which pip names a folder in a Git repository.

    Raises:
        ValueError: One of the three is missing. Without a revision, the next commit would change the meaning of the address.
    """
    parts = urlsplit(address.removeprefix("dvc+"))
    repository, _, revision = parts.path.rpartition("@")
    path = parts.fragment.strip("/")
    if not (repository and revision and path):
        raise ValueError(
            f"{address} does not name a repository, a revision and a path. "
            "Write dvc+URL@REVISION#PATH, such as dvc+https://host/team/data.git@v1.2#data/heart.csv"
        )
    url = repository if parts.scheme == "file" else parts._replace(path=repository, fragment="").geturl()
    return DvcFile(url, revision, path)


def of_file(mirror: str, file: str) -> str:
    """Return the address of a file in a mirror, which is a folder, a base URL, or a DVC repository with or without `#FOLDER`."""
    base = mirror.rstrip("/")
    if base.startswith("dvc+") and "#" not in base:
        return f"{base}#{file}"
    return f"{base}/{file}"


def masked(text: str) -> str:
    """Hide the credentials in a text of another program, which may contain addresses that Slipway has not checked."""
    return re.sub(r"://[^\s/@]*:[^\s/@]*@", "://***@", text)
