"""The access file: every user and every key, in `<home>/gateway/access.json`, which only its owner may read.

It has hashes of passwords and keys, but the secrets of second factors and sessions themselves: a person who can read it can make tokens.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from slipway.errors import SlipwayError
from slipway.files.private import private_folder
from slipway.files.readers import require_regular
from slipway.files.replacing import replace

ACCESS = Path("gateway") / "access.json"
OLD_KEYS = Path("gateway") / "keys.json"
OLD_GRANTS = ("operate", "outcome", "predict")  # an old key could call every model and see its state
PATIENCE = 10.0

Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class DamagedAccessFileError(SlipwayError):
    """The file is damaged; all callers are refused until it is repaired."""


class AccessRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stored record. Its `repr` is only its type, because some values are secret."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class ApiKey(AccessRecord, frozen=True):
    """The sha256 of a key in hexadecimal; `created` is ISO 8601 in UTC, `expires` Unix seconds, `owner` the user it was made for."""

    sha256: Digest
    grants: tuple[str, ...]
    created: str
    expires: float | None = None
    owner: str = ""


class User(AccessRecord, frozen=True):
    """`password` is argon2's encoded hash. `generation` changes with everything that must end the user's sessions.

    `last_step` is the 30 s step of the last code that was used. `recovery` are the sha256 of the recovery codes that were not used yet.
    Wrong passwords before `unlocked`, in Unix seconds, no longer count.
    """

    password: str
    grants: tuple[str, ...]
    created: str
    generation: str
    second_factor: str | None = None
    last_step: int = 0
    recovery: tuple[Digest, ...] = ()
    unlocked: float = 0.0


class OpenSession(AccessRecord, frozen=True):
    """A session of the pages; times are Unix seconds. `generation` is the user's when the session was opened.

    A person whom a provider has identified is of the kind "oidc", and has the roles that the provider said then.
    """

    user: str
    generation: str
    address: str
    opened: float
    expires: float
    kind: Literal["user", "oidc"] = "user"
    grants: tuple[str, ...] = ()


class AccessFile(AccessRecord, frozen=True):
    """`ended` are the sessions that were closed before they expired: id -> Unix seconds at which they would have expired.

    `sessions` are the open ones of the pages, by the sha256 of their cookie.
    """

    keys: dict[str, ApiKey] = {}
    users: dict[str, User] = {}
    session_secret: str = ""
    ended: dict[str, float] = {}
    sessions: dict[Digest, OpenSession] = {}


class _OldKey(AccessRecord, frozen=True):
    name: str
    sha256: Digest
    created_at: str


class _OldFile(AccessRecord, frozen=True):
    keys: tuple[_OldKey, ...] = ()


def read(home: Path) -> AccessFile:
    """Return the content of the access file, empty if there is no file.

    A `keys.json` of an earlier version is read until the first change, which moves its keys to the access file and deletes it.

    Raises:
        DamagedAccessFileError: The file cannot be read, or has another content.
    """
    for path, decode in ((home / ACCESS, _decode), (home / OLD_KEYS, _decode_old)):
        try:
            require_regular(path)
            return decode(path.read_bytes())
        except FileNotFoundError:
            continue
        except (msgspec.MsgspecError, OSError) as error:
            raise DamagedAccessFileError(
                f"{path}: not a file of users and keys that can be read ({error}). Put a copy of it back, or delete it: "
                "`slipway up` then makes its key again, and you add users and other keys again."
            ) from None
    return AccessFile()


def change(home: Path, edit: Callable[[AccessFile], AccessFile]) -> AccessFile:
    """Apply `edit` to the stored content, and return the result once it is on disk. Changes wait for each other; none is lost.

    Raises:
        DamagedAccessFileError: See `read`; nothing was written.
        SlipwayError: Another process changes the file for more than 10 s, or it cannot be written. Errors of `edit` pass through.
    """
    from filelock import FileLock, Timeout

    path = home / ACCESS
    try:
        private_folder(path.parent)
        with FileLock(path.with_suffix(".lock"), timeout=PATIENCE):
            before = read(home)
            after = edit(before)
            if after is not before:
                _write(path, _without_past(after))
                (home / OLD_KEYS).unlink(missing_ok=True)
            return after
    except Timeout:
        raise SlipwayError(f"{path}: another process has been changing it for {PATIENCE:.0f} s; nothing was changed. Try again.") from None
    except OSError as error:
        raise SlipwayError(f"{path}: cannot be written ({error.strerror}); nothing was changed.") from None


def _decode(content: bytes) -> AccessFile:
    return msgspec.json.decode(content, type=AccessFile)


def _decode_old(content: bytes) -> AccessFile:
    old = msgspec.json.decode(content, type=_OldFile)
    return AccessFile(keys={key.name: ApiKey(key.sha256, OLD_GRANTS, key.created_at) for key in old.keys})


def _without_past(content: AccessFile) -> AccessFile:
    """Leave out sessions that are over by now."""
    now = time.time()
    ended = {session: expires for session, expires in content.ended.items() if expires > now}
    return msgspec.structs.replace(
        content, ended=ended, sessions={digest: session for digest, session in content.sessions.items() if session.expires > now}
    )


def _write(path: Path, content: AccessFile) -> None:
    # durable: a power cut must not bring a revoked key back
    replace(path, msgspec.json.format(msgspec.json.encode(content), indent=1), private=True, durable=True)
