"""The text of supervisord's configuration."""

from __future__ import annotations

import hashlib
import os
import stat
from configparser import RawConfigParser
from io import StringIO
from pathlib import Path

from deployments.local.services import Program
from slipway.errors import PlatformError
from slipway.files.replacing import replace

LONGEST_SOCKET_PATH = 90  # the system's limit is 104 to 108 bytes, and supervisord appends its pid while it starts
LOG_BYTES, LOG_BACKUPS = 10 * 1024 * 1024, 3
UNQUOTABLE = "\"';#\\\r\n"  # supervisord's own parser has no way to write these inside a value


def base(folder: Path) -> RawConfigParser:
    """Return the configuration of a supervisord without programs.

    Raises:
        PlatformError: The folder's path holds a character that supervisord cannot read back.
    """
    if bad := sorted(set(UNQUOTABLE) & set(str(folder))):
        raise PlatformError(f"SLIPWAY_HOME={str(folder.parent)!r} holds {bad}, which supervisord cannot read; choose another folder.")
    socket = socket_path(folder)
    conf = parser()
    conf["unix_http_server"] = {"file": _plain(socket), "chmod": "0700"}
    conf["supervisord"] = {
        "pidfile": _plain(folder / "supervisord.pid"),
        "logfile": _plain(folder / "supervisord.log"),
        "childlogdir": _plain(folder),
        "loglevel": "info",
        "umask": "077",
        "strip_ansi": "true",
    }
    conf["rpcinterface:supervisor"] = {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"}
    conf["supervisorctl"] = {"serverurl": f"unix://{_plain(socket)}"}
    return conf


def section(program: Program) -> dict[str, str]:
    """Return a program's options. Its processes are a group of their own, which is stopped and killed as a whole."""
    return {
        "command": _plain(" ".join(_quoted(word) for word in program.command)),
        "environment": _plain(",".join(f'{key}="{value}"' for key, value in sorted(program.environment.items()))),
        "autostart": "false",  # `up` starts each one when what it needs answers
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "5",
        "stopsignal": "TERM",
        "stopwaitsecs": str(program.stop_seconds),
        "stopasgroup": "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _plain(_plain(program.log)),  # the one value that supervisord expands twice
        "stdout_logfile_maxbytes": str(LOG_BYTES),
        "stdout_logfile_backups": str(LOG_BACKUPS),
    }


def parser() -> RawConfigParser:
    """Return a parser that keeps % and upper case as they are, as supervisord's own does."""
    conf = RawConfigParser()
    conf.optionxform = str  # type: ignore[method-assign,assignment]
    return conf


def write(conf: RawConfigParser, path: Path) -> None:
    """Replace the file whole, readable by its owner only."""
    text = StringIO()
    conf.write(text)
    replace(path, text.getvalue().encode(), private=True)


def socket_path(folder: Path) -> Path:
    """Return where supervisord listens: in the folder, or under /tmp when that path is too long for a socket.

    Raises:
        PlatformError: The folder under /tmp belongs to somebody else.
    """
    inside = folder / "supervisord.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
        return inside
    # Not TMPDIR: every shell of this user must find the same socket.
    shared = Path(f"/tmp/slipway-{os.getuid()}")  # noqa: S108 - its owner and mode are checked below
    shared.mkdir(mode=0o700, exist_ok=True)
    found = shared.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PlatformError(f"{shared} is not a folder that only this user can enter; remove it, or set SLIPWAY_HOME to a shorter path.")
    return shared / f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}.sock"


def _plain(value: object) -> str:
    return str(value).replace("%", "%%")


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
