"""The one object that authenticates callers for the gateway."""

from __future__ import annotations

import asyncio
import logging
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from slipway.access import sessions, users
from slipway.access.callers import NAME, Caller
from slipway.access.guessing import Guessing
from slipway.access.keys import digest as digest_of
from slipway.access.last_use import LastUse
from slipway.access.oidc.authorization import CodeFlow, RelyingParty
from slipway.access.page_sessions import PageSessions
from slipway.access.records import AccessFile, User, change
from slipway.access.refusals import AccessError, UnauthenticatedError, UndecidedError
from slipway.access.signing_in import sign_in
from slipway.access.store import AccessSnapshot, AccessStore
from slipway.access.tokens import Tokens
from slipway.errors import SlipwayError

if TYPE_CHECKING:
    from slipway.access.oidc.provider import Provider

MOST_WAITING = 16
T = TypeVar("T")

logger = logging.getLogger(__name__)


class Gatekeeper:
    """Authenticates callers, or raises an `AccessError` with HTTP's status. One a process, made after forking, for the event loop's thread.

    A key costs one sha256 and one look-up by it, whose time reveals nothing about any key.
    """

    def __init__(
        self,
        home: Path,
        *,
        session_minutes: float = 15.0,
        provider: Provider | None = None,
        client: RelyingParty | None = None,
        guessing: Guessing | None = None,
    ) -> None:
        """`client`: the gateway as the provider knows it, if people may sign in there."""
        self._home = home
        self._store = AccessStore(home)
        self._tokens = Tokens(provider)
        self._minutes = session_minutes
        self._guessing = guessing or Guessing()
        self._thread = ThreadPoolExecutor(1, "passwords")  # one at a time: each needs 64 MB
        self._waiting = 0
        self._unlocked: dict[str, float] = {}
        self._last_use = LastUse(home)
        self.pages = PageSessions(home, self._store, session_minutes, provider=provider is not None, last_use=self._last_use)
        self.at_provider = CodeFlow(provider, client) if provider and client else None

    async def authenticate(self, authorization: bytes | None, *, basic: bool = False) -> Caller:
        """Return the caller who sent an `Authorization: Bearer <API key or token>` header.

        Args:
            basic: Whether the key or token may also be the password of HTTP's Basic, as a browser sends it; the name is ignored.
        Raises:
            UnauthenticatedError: The key or token is missing or not valid.
            UndecidedError: The provider does not answer, or the access file is damaged or cannot be read.
        """
        snapshot = self._store.recent() or await self._store.look()
        credential = _password(authorization) if basic and authorization else _credential(authorization)
        digest = digest_of(credential)
        caller = self._recall(digest, snapshot) or await self._look_closer(digest, credential)
        self._last_use.note(caller)
        return caller

    def problem(self) -> str | None:
        """Return why no caller can be authenticated, if the access file was removed, is damaged or cannot be read."""
        return self._store.problem()

    async def follow(self) -> None:
        """Follow the access file, and store when keys and users were last used, until cancelled."""
        await asyncio.gather(self._store.follow(), self._last_use.follow())

    async def open_session(self, name: str, password: str, code: str | None, address: str) -> sessions.Opened:
        """Open a session with a password and, if the user has a second factor, a code.

        Args:
            address: The address of the attempt; failures are counted by it, and by `name`.

        Raises:
            UnauthenticatedError: Name, password or code is wrong; the message does not say which.
            LockedOutError: Too many failures of this name or from this address.
            UndecidedError: Too many users sign in at once, or the access file cannot be read or written.
        """
        name, user, secret = await self._signed_in(name, password, code, address)
        return sessions.opened(name, user, secret, self._minutes)

    async def open_page_session(self, name: str, password: str, code: str | None, address: str) -> tuple[str, User]:
        """Open a session of the pages as `open_session` does, and return the text of its cookie, and the user. Raises the same errors."""
        name, user, _ = await self._signed_in(name, password, code, address)
        return await self._in_thread(lambda: self.pages.open(name, user, address)), user

    async def renew_recovery_codes(self, name: str, code: str, address: str) -> list[str]:
        """Return ten new recovery codes of a user who has sent a code of the app; the old ones end.

        Raises:
            UnauthenticatedError: The code is wrong, or was used before.
            UnknownUserError: The user was revoked in the meantime.
            LockedOutError: Too many failures of this name or from this address.
        """
        with self._attempt(name, address, await self._store.look()):
            codes = await self._in_thread(lambda: users.renew_recovery_codes(self._home, name, code))
        await self._store.look()
        return codes

    async def confirm(self, name: str, code: str, address: str) -> None:
        """Use up a code of a user's app, which shows who sits at an open screen.

        Raises:
            UnauthenticatedError: The code is wrong, or was used before.
            LockedOutError: Too many failures of this name or from this address.
            UndecidedError: The access file cannot be read or written now.
        """
        with self._attempt(name, address, await self._store.look()):
            await self._in_thread(lambda: users.use_code(self._home, name, code))

    async def registered(self) -> AccessSnapshot:
        """Return users and keys as they are now. Raises UndecidedError."""
        return await self._store.look()

    async def register(self, work: Callable[[Path], T]) -> T:
        """Change users or keys of the home folder, and return what `work` returns once the change counts here.

        Raises:
            UndecidedError: The access file cannot be read or written now; nothing was changed. Mistakes that `work` finds pass through.
        """
        done = await self._in_thread(lambda: work(self._home))
        await self._store.look()
        return done

    def locked(self) -> dict[str, float]:
        """Return until when users may not try to sign in, in Unix seconds, after wrong passwords that came to this process."""
        now = time.time()
        return {name: now + seconds for name, seconds in self._guessing.locked(self._store.users()).items()}

    async def _signed_in(self, name: str, password: str, code: str | None, address: str) -> tuple[str, User, str]:
        """Return the user's name and record, and the secret that signs tokens. Raises as `open_session` does."""
        known = await self._store.look()  # not in the one thread for passwords, which a file that hangs would hold up
        name = name if NAME.fullmatch(name) else "?"  # the name of no user; treated like any unknown name
        with self._attempt(name, address, known):
            user, secret = await self._in_thread(lambda: sign_in(self._home, known, name, password, code, time.time()))
            await self._tokens.prepare()
        return name, user, secret

    @contextmanager
    def _attempt(self, name: str, address: str, known: AccessSnapshot) -> Iterator[None]:
        """Count an attempt of a person to be recognised. It is a failure if the person is not; another error is not the person's."""
        if (user := known.users.get(name)) and user.unlocked > self._unlocked.get(name, 0.0):
            self._guessing.unlock(name)
            self._unlocked[name] = user.unlocked
        self._guessing.begin(name, address)
        try:
            yield
        except UnauthenticatedError:
            raise
        except Exception:
            self._guessing.abandoned(name, address)
            raise
        self._guessing.succeeded(name, address)

    async def close_session(self, authorization: bytes | None) -> Caller:
        """End the session whose token was sent, and return its user.

        Raises:
            UnauthenticatedError: It is not an open session.
            UndecidedError: The access file cannot be read or written; the session stays open.
        """
        caller = await self.authenticate(authorization)
        if caller.kind != "user":
            raise UnauthenticatedError("expected the token of a session, received another credential, which cannot be ended here.")
        secret = (await self._store.look()).session_secret
        session = sessions.read(_credential(authorization).decode("ascii"), secret)
        await self._in_thread(lambda: change(self._home, lambda content: _ended(content, session)))
        await self._store.look()
        return caller

    def close(self) -> None:
        """Take no more work; work that runs in threads ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._tokens.close()
        if self.at_provider:
            self.at_provider.close()

    def _recall(self, digest: bytes, snapshot: AccessSnapshot) -> Caller | None:
        if holder := snapshot.keys.get(digest):
            return holder.caller if holder.expires is None or time.time() < holder.expires else None
        return self._tokens.recall(digest, snapshot)

    async def _look_closer(self, digest: bytes, credential: bytes) -> Caller:
        is_token = self._tokens.takes(credential)
        if is_token:
            await self._tokens.prepare()
        snapshot = await self._store.look()  # a key or user added a moment ago is valid already, also through another worker
        if caller := self._recall(digest, snapshot):
            return caller
        if not is_token:
            raise UnauthenticatedError("the API key or token that was sent is not valid: unknown, expired or revoked.")
        return await self._tokens.verify(digest, credential, snapshot)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Raises UndecidedError for errors that the log explains, and if too many calls wait; mistakes of the caller pass through."""
        if self._waiting >= MOST_WAITING:
            raise UndecidedError("too many users are signing in. Try again.", retry_after=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (AccessError, ValueError, LookupError):
            raise
        except SlipwayError as error:
            logger.error("nobody can sign in or out, or change users and keys: %s", error)
            raise UndecidedError("the gateway cannot do this now, and its log says why. Ask the operator.", retry_after=5) from None
        finally:
            self._waiting -= 1


def _credential(authorization: bytes | None) -> bytes:
    scheme, _, credential = (authorization or b"").partition(b" ")
    if scheme.lower() != b"bearer" or not credential.strip():
        received = "none" if authorization is None else "another one"
        raise UnauthenticatedError(f"expected a header 'Authorization: Bearer <API key or token>', received {received}.")
    return credential.strip()


def _password(authorization: bytes) -> bytes:
    """Return the password of a Basic header (RFC 7617), or the credential of a Bearer header."""
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return _credential(authorization)
    try:
        password = b64decode(encoded.strip(), validate=True).partition(b":")[2]
    except ValueError:
        password = b""
    return _credential(b"Bearer " + password)


def _ended(content: AccessFile, session: sessions.Session) -> AccessFile:
    return msgspec.structs.replace(content, ended=content.ended | {session.id: session.expires})
