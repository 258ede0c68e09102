"""Users, whom an administrator adds, lists, changes and revokes. A change takes effect within a second."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from slipway.access import passwords, recovery_codes, second_factor
from slipway.access.callers import ADMINISTER, Grant, as_stored, check_name, require_unchanged
from slipway.access.records import AccessFile, User, change, read
from slipway.access.signing_in import wrong
from slipway.errors import SlipwayError


class UserNameTakenError(SlipwayError, ValueError):
    """There is a user of that name."""


class UnknownUserError(SlipwayError, LookupError):
    """There is no user of that name."""


class LastAdministratorError(SlipwayError, ValueError):
    """After this, no user could administer."""


def add(home: Path, name: str, password: str, grants: Iterable[Grant], *, with_second_factor: bool = False) -> str | None:
    """Add a user; return the provisioning URI of the second factor, this once, or None without one.

    Raises:
        UserNameTakenError: There is a user of that name, who stays as before.
        slipway.access.passwords.WeakPasswordError: The password is easy to guess.
        InvalidNameError, InvalidGrantError: See `slipway.access.callers`.
    """
    stored, secret = as_stored(grants), second_factor.new_secret() if with_second_factor else None
    require_new(home, name)
    passwords.require_strong(name, password)
    user = User(password=passwords.hashed(password), grants=stored, created=_now(), generation=_generation(), second_factor=secret)

    def edit(content: AccessFile) -> AccessFile:
        _require_new(content, name)
        return _with(content, name, user)

    change(home, edit)
    return secret and second_factor.provisioning_uri(name, secret)


def rotate(home: Path, name: str, password: str, *, with_second_factor: bool | None = None) -> str | None:
    """Set a new password, end the user's sessions, and forget wrong passwords.

    Args:
        with_second_factor: True makes a new one and returns its provisioning URI, this once; False removes it; None leaves it.

    Raises:
        UnknownUserError, slipway.access.passwords.WeakPasswordError: Nothing was changed.
    """
    known(home, name)
    passwords.require_strong(name, password)
    digest, secret = passwords.hashed(password), second_factor.new_secret() if with_second_factor else None

    def edit(user: User) -> User:
        kept = user.second_factor if with_second_factor is None else secret
        step = user.last_step if with_second_factor is None else 0
        recovery = user.recovery if with_second_factor is None else ()
        changes = {"password": digest, "second_factor": kept, "last_step": step, "recovery": recovery, "unlocked": time.time()}
        return msgspec.structs.replace(user, generation=_generation(), **changes)

    _change(home, name, edit)
    return secret and second_factor.provisioning_uri(name, secret)


def renew_recovery_codes(home: Path, name: str, code: str | None = None) -> list[str]:
    """Give a user ten new recovery codes in place of the old ones, and return them, this once.

    Args:
        code: The user's code of the app, which is used up by this; None if an administrator asks.
    Raises:
        UnknownUserError: There is no such user.
        UnauthenticatedError: The code is wrong, or was used before.
    """
    codes = recovery_codes.new_codes()

    def edit(user: User) -> User:
        return msgspec.structs.replace(user if code is None else _using(user, code), recovery=recovery_codes.digests(codes))

    _change(home, name, edit)
    return codes


def use_code(home: Path, name: str, code: str) -> None:
    """Use up a code of a user's app. Raises UnauthenticatedError: it is wrong, or was used before, or there is no such user."""

    def edit(content: AccessFile) -> AccessFile:
        if name not in content.users:
            raise wrong()
        return _with(content, name, _using(content.users[name], code))

    change(home, edit)


def set_up_second_factor(home: Path, name: str, generation: str, secret: str, step: int) -> tuple[User, list[str]]:
    """Give a user a second factor that the user has confirmed, end all sessions, and return the record and ten recovery codes.

    The sessions end because they were opened without it, perhaps by another person who knows the password.

    Args:
        generation: The user's when the session was opened that sets it up.
        step: That of the code that has confirmed it.
    Raises:
        UnknownUserError: The user was revoked or changed, or has a second factor already.
    """
    codes = recovery_codes.new_codes()

    def edit(user: User) -> User:
        if user.second_factor is not None or user.generation != generation:
            raise UnknownUserError(f"user {name!r} was changed in the meantime.")
        recovery = recovery_codes.digests(codes)
        return msgspec.structs.replace(user, second_factor=secret, last_step=step, recovery=recovery, generation=_generation())

    _change(home, name, edit)
    return known(home, name), codes


def grant(home: Path, name: str, grants: Iterable[Grant], *, seen: Collection[str] | None = None, keep_administrator: bool = False) -> None:
    """Replace the roles of a user, also in open sessions.

    Args:
        seen: The roles so far, as the person has seen them who changes them; None if that does not matter.
        keep_administrator: Whether to refuse to take away the last administrator.
    Raises:
        UnknownUserError, InvalidGrantError, GrantsChangedError, LastAdministratorError: Nothing was changed.
    """
    stored = as_stored(grants)

    def edit(content: AccessFile) -> AccessFile:
        user = _find(content, name)
        require_unchanged(name, user.grants, seen)
        after = _with(content, name, msgspec.structs.replace(user, grants=stored))
        return _administered(after) if keep_administrator else after

    change(home, edit)


def sign_out(home: Path, name: str) -> None:
    """End every session of a user, who may sign in again. Raises UnknownUserError."""
    _change(home, name, lambda user: msgspec.structs.replace(user, generation=_generation()))


def unlock(home: Path, name: str) -> None:
    """Forget wrong passwords, so that a user may try again at once. Raises UnknownUserError."""
    _change(home, name, lambda user: msgspec.structs.replace(user, unlocked=time.time()))


def revoke(home: Path, name: str, *, keep_administrator: bool = False) -> None:
    """Remove a user and end all sessions. A user added later under that name is another user.

    Args:
        keep_administrator: Whether to refuse to take away the last administrator.
    Raises:
        UnknownUserError, LastAdministratorError: Nothing was changed.
    """

    def edit(content: AccessFile) -> AccessFile:
        _find(content, name)
        after = msgspec.structs.replace(content, users={other: user for other, user in content.users.items() if other != name})
        return _administered(after) if keep_administrator else after

    change(home, edit)


def listed(home: Path) -> dict[str, User]:
    """Return every user's record, by name."""
    return dict(sorted(read(home).users.items()))


def known(home: Path, name: str) -> User:
    """Return a user's record. Raises UnknownUserError."""
    return _find(read(home), name)


def require_new(home: Path, name: str) -> None:
    """Require that a user of that name can be added. Raises UserNameTakenError, InvalidNameError."""
    _require_new(read(home), check_name(name))


def _require_new(content: AccessFile, name: str) -> None:
    if name in content.users:
        way_out = f"`slipway users rotate {name}` gives a new password, `slipway users roles {name}` other roles."
        raise UserNameTakenError(f"there is a user called {name!r}. {way_out}")


def _change(home: Path, name: str, edit: Callable[[User], User]) -> None:
    change(home, lambda content: _with(content, name, edit(_find(content, name))))


def _with(content: AccessFile, name: str, user: User) -> AccessFile:
    return msgspec.structs.replace(content, users=content.users | {name: user})


def _find(content: AccessFile, name: str) -> User:
    if name not in content.users:
        raise UnknownUserError(f"no user is called {name[:80]!r}; there are: {', '.join(sorted(content.users)) or 'none'}.")
    return content.users[name]


def administrators(users: Mapping[str, User]) -> set[str]:
    """Return the names of the users who administer."""
    return {name for name, user in users.items() if ADMINISTER in user.grants}


def _administered(content: AccessFile) -> AccessFile:
    """Return the content, in which a user administers. Raises LastAdministratorError."""
    if not administrators(content.users):
        raise LastAdministratorError(f"no user would have the role {ADMINISTER!r}. Give it to another user first.")
    return content


def _using(user: User, code: str) -> User:
    """Return a user whose code of the app is used up. Raises UnauthenticatedError."""
    step = second_factor.used_step(user.second_factor, code, time.time(), user.last_step) if user.second_factor else None
    if step is None:
        raise wrong()
    return msgspec.structs.replace(user, last_step=step)


def _generation() -> str:
    return secrets.token_hex(8)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
