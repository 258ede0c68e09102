"""The program that reads a pickle apart from everything: started by `slipway.drafting.pickles`, as a process of its own.

    python -I unpickler.py BYTES

It takes a pickle and rows from its standard input, and writes two parts to its standard output, of at most so many bytes: its answers to
the rows, and if there are none, the model as a skops file. Before it reads the pickle, it gives up what it does not need: the network,
other processes, all files but those of Python and its packages, starting programs, and writing anywhere. The first two are namespaces
(unshare(2)), the files Landlock (landlock(7)). Without a pickle, the first part says what this machine cannot keep one from.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from io import BytesIO

CPU_SECONDS, MEMORY = 120, 8 << 30
NEW_USER, NEW_NETWORK, NEW_PROCESSES, NEW_IPC = 0x10000000, 0x40000000, 0x20000000, 0x08000000
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
VERSION, PATH_BENEATH, NO_NEW_PRIVILEGES, KILLED_WITH_PARENT = 1, 1, 38, 1
READ_FILE, READ_FOLDER, WRITE_FILE = 1 << 2, 1 << 3, 1 << 1
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many rights over files each version of Landlock knows; 16 from the fifth on
READABLE = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/usr/share/zoneinfo", "/dev/urandom")
ALSO = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu", "/dev/null")


def main() -> None:
    """Read, isolate, convert, answer."""
    content, rows = _received(), _received()
    _limit(int(sys.argv[1]))
    isolated = {"network and processes": _without_network(), "files and programs": _without_files()}
    out = os.dup(1)
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)  # what the model prints is not the answer
    answers: object = [name for name, done in isolated.items() if not done]
    stored = b""
    if content:
        model = _unpickled(content)
        answers, stored = (_answers(model, rows), b"") if rows else ([], _stored(model))
    for part in (json.dumps(answers).encode(), stored):
        _send(out, struct.pack("<Q", len(part)) + part)


def _received() -> bytes:
    (size,) = struct.unpack("<Q", sys.stdin.buffer.read(8))
    return sys.stdin.buffer.read(size)


def _send(out: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(out, view) :]


def _limit(written: int) -> None:
    """Limit the time of the processor, the memory, and the bytes of each file."""
    limits = {resource.RLIMIT_CPU: CPU_SECONDS, resource.RLIMIT_DATA: MEMORY, resource.RLIMIT_FSIZE: written, resource.RLIMIT_CORE: 0}
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))


def _without_network() -> bool:
    """Move to namespaces without a network and without other processes; in the latter, this process goes on as the first one."""
    libc = ctypes.CDLL(None, use_errno=True)
    unshare = getattr(libc, "unshare", None)
    if unshare is None:
        return False
    alone = NEW_NETWORK | NEW_PROCESSES | NEW_IPC
    if unshare(alone | NEW_USER) != 0 and unshare(alone) != 0:
        return False
    if child := os.fork():
        os.close(1)
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    libc.prctl(KILLED_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    return True


def _without_files() -> bool:
    """Forbid all files but those that Python reads from, and starting programs, with Landlock."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, 0, VERSION)
    if version < 1:
        return False
    rights = ctypes.c_uint64((1 << RIGHTS.get(version, 16)) - 1)
    ruleset = libc.syscall(CREATE_RULESET, ctypes.byref(rights), 8, 0)
    if ruleset < 0:
        return False
    for path in {*READABLE, *ALSO, sys.prefix, sys.base_prefix, *sys.path}:
        if os.path.exists(path):
            allowed = READ_FILE | (READ_FOLDER if os.path.isdir(path) else 0) | (WRITE_FILE if path == "/dev/null" else 0)
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", allowed, place)
            libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, 0)
            os.close(place)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.syscall(RESTRICT_SELF, ruleset, 0) == 0)


def _unpickled(content: bytes) -> object:
    import cloudpickle

    return cloudpickle.loads(content)


def _stored(model: object) -> bytes:
    from skops.io import dumps

    return bytes(dumps(model))


def _answers(model: object, rows: bytes) -> list[list[float]]:
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(BytesIO(rows))
    ask = getattr(model, "predict_proba", None) or model.predict  # type: ignore[attr-defined]
    answers: list[list[float]] = np.asarray(ask(frame), dtype=float).reshape(len(frame), -1).tolist()
    return answers


if __name__ == "__main__":
    main()
