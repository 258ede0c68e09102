"""Several workers: a small parent opens the ports, gives their sockets to the workers, and restarts a worker that ended.

Each port is opened once, so that no other program can share it by accident, and its waiting connections outlive a worker.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import selectors
import signal
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from slipway.errors import PlatformError, PortTakenError
from slipway.gateway.workers.state import forget
from slipway.sockets import bind

QUESTION = struct.Struct("!cH")
OPEN, CLOSE, YES, TAKEN, NO = b"o", b"c", b"+", b"t", b"-"
LONGEST_ANSWER = 4_096
ENDING = (signal.SIGTERM, signal.SIGINT)
LOOK_EVERY = 0.1
PATIENCE = 5
SHORT_LIFE, SHORT_LIVES, PAUSE = 5.0, 5, 1.0

logger = logging.getLogger(__name__)


class ParentChannel:
    """A worker's connection to its parent, which opens ports. The worker ends when it is closed: the parent is gone."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def open(self, address: str, port: int) -> socket.socket:
        """Return a listening socket that the parent opened, and that other workers may have too.

        Raises:
            PortTakenError, PlatformError: As `bind` does.
        """
        self.sock.sendall(QUESTION.pack(OPEN, port))
        ready = select.poll()  # the event loop, which watches for the end, has made the socket non-blocking
        ready.register(self.sock, select.POLLIN)
        if not ready.poll(PATIENCE * 1_000):
            raise PlatformError(f"port {port}: the parent of the workers did not answer within {PATIENCE} s.")
        answer, descriptors, _, _ = socket.recv_fds(self.sock, LONGEST_ANSWER, 1)
        if answer[:1] == YES:
            return socket.socket(fileno=descriptors[0])
        raise (PortTakenError if answer[:1] == TAKEN else PlatformError)(answer[1:].decode() or "the parent of the workers is gone.")

    def close(self, port: int) -> None:
        """Report to the parent that this worker no longer answers on a port."""
        with contextlib.suppress(OSError):  # a parent that is gone has no port open
            self.sock.sendall(QUESTION.pack(CLOSE, port))


@dataclass
class _Worker:
    number: int
    pid: int
    line: socket.socket
    since: float = field(default_factory=time.monotonic)


class Workers:
    """The parent. `run` forks, so there must be no thread yet."""

    def __init__(self, count: int, address: str, folder: Path, work: Callable[[int, ParentChannel], int]) -> None:
        """Args: work: runs as worker `number` and returns its exit status; it must end at SIGTERM and when its channel is closed."""
        self._count, self._address, self._folder, self._work = count, address, folder, work
        self._workers: dict[int, _Worker] = {}
        self._due: dict[int, float] = dict.fromkeys(range(count), 0.0)
        self._ports: dict[int, tuple[socket.socket, set[int]]] = {}
        self._selector = selectors.DefaultSelector()
        self._short_lives = 0
        self._stopping = False

    def run(self) -> int:
        """Return 0 after SIGTERM or SIGINT, when the workers have answered their last requests; 1 if they keep ending at once."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number in range(self._count):
            forget(self._folder, number)
        for name in ENDING:
            signal.signal(name, lambda *_: self._stop())
        while self._workers or not self._stopping:
            self._start_due()
            for key, _ in self._selector.select(LOOK_EVERY):
                self._answer(self._workers[key.data])
            self._reap()
        return 0 if self._short_lives < SHORT_LIVES else 1

    def _start_due(self) -> None:
        for number, due in list(self._due.items()):
            if not self._stopping and time.monotonic() >= due:
                del self._due[number]
                self._start(number)

    def _start(self, number: int) -> None:
        ours, theirs = socket.socketpair()
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # else a signal now would run the parent's handler in the child
        pid = os.fork()
        if not pid:
            self._be_worker(number, theirs, ours)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        theirs.close()
        self._workers[number] = _Worker(number, pid, ours)
        self._selector.register(ours, selectors.EVENT_READ, number)

    def _be_worker(self, number: int, line: socket.socket, parents: socket.socket) -> None:
        status = 1
        try:
            for name in ENDING:
                signal.signal(name, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            for sock in (parents, *(worker.line for worker in self._workers.values()), *(sock for sock, _ in self._ports.values())):
                sock.close()
            self._selector.close()
            status = self._work(number, ParentChannel(line))
        except BaseException:
            logger.exception("worker %d failed", number)
        finally:
            logging.shutdown()
            os._exit(status)

    def _answer(self, worker: _Worker) -> None:
        try:
            question = worker.line.recv(QUESTION.size, socket.MSG_WAITALL)
        except OSError:
            question = b""
        if len(question) < QUESTION.size:  # it ends; `_reap` notices
            self._selector.unregister(worker.line)
            return
        what, port = QUESTION.unpack(question)
        if what == CLOSE:
            self._release(port, worker.number)
        else:
            self._hand_out(port, worker)

    def _hand_out(self, port: int, worker: _Worker) -> None:
        try:
            if port not in self._ports:
                self._ports[port] = (bind(self._address, port), set())
        except PlatformError as error:
            kind = TAKEN if isinstance(error, PortTakenError) else NO
            worker.line.sendall(kind + str(error).encode()[: LONGEST_ANSWER - 1])
            return
        sock, holders = self._ports[port]
        holders.add(worker.number)
        socket.send_fds(worker.line, [YES], [sock.fileno()])

    def _release(self, port: int, number: int) -> None:
        if port in self._ports:
            sock, holders = self._ports[port]
            holders.discard(number)
            if not holders:
                sock.close()
                del self._ports[port]

    def _reap(self) -> None:
        for worker in list(self._workers.values()):
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                self._ended(worker, os.waitstatus_to_exitcode(status))

    def _ended(self, worker: _Worker, status: int) -> None:
        del self._workers[worker.number]
        if worker.line in self._selector.get_map():
            self._selector.unregister(worker.line)
        worker.line.close()
        forget(self._folder, worker.number)
        if self._stopping:
            return
        short = time.monotonic() - worker.since < SHORT_LIFE
        self._short_lives = self._short_lives + 1 if short else 0
        logger.error("worker %d (process %d) ended with status %d and is started again", worker.number, worker.pid, status)
        self._due[worker.number] = time.monotonic() + (PAUSE if short else 0)
        if self._short_lives >= SHORT_LIVES:
            logger.error("%d workers in a row ended within %.0f s of their start; the gateway stops", SHORT_LIVES, SHORT_LIFE)
            self._stop()

    def _stop(self) -> None:
        self._stopping = True
        for worker in self._workers.values():
            os.kill(worker.pid, signal.SIGTERM)
