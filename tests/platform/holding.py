"""A reverse proxy on loopback that holds one request back, so that a run stays in the step that made it for as long as a test likes."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LONGEST = 120.0  # seconds that a request is held, should a test fail to let it go
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"}


class Hold:
    """One request that will be held, or is: `reached` says so, `let_go` ends it."""

    def __init__(self, wanted: Callable[[str, bytes], bool], answered: bool) -> None:
        self.wanted, self.answered = wanted, answered
        self.reached, self.ended = threading.Event(), threading.Event()
        self.lost = False

    def let_go(self, *, lost: bool = False) -> None:
        """Let it go on its way; or, when it is `lost`, close the connection without a word."""
        self.lost = lost
        self.ended.set()


class HoldingProxy:
    """Hands requests on to `upstream` (host:port), and serves the files of a folder under /rows/."""

    def __init__(self, upstream: str, rows: Path) -> None:
        self.upstream, self.rows = upstream, rows
        self._holds: list[Hold] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @contextmanager
    def hold(self, line: str, body: bytes = b"", *, when: Callable[[], bool] = lambda: True, answered: bool = False) -> Iterator[Hold]:
        """Hold the next request that begins with this line ("POST /path"), has this in its body, and comes `when` this is true.

        Args:
            answered: Let the server do what was asked, and hold its answer back.
        """
        held = Hold(lambda request, sent: request.startswith(line) and body in sent and when(), answered)
        self._holds.append(held)
        try:
            yield held
        finally:
            held.let_go()
            with self._lock:
                if held in self._holds:
                    self._holds.remove(held)

    def caught(self, line: str, body: bytes) -> Hold | None:
        with self._lock:
            for held in self._holds:
                if held.wanted(line, body):
                    self._holds.remove(held)
                    return held
        return None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, proxy: HoldingProxy, *arguments: object) -> None:
        self.proxy = proxy
        super().__init__(*arguments)  # type: ignore[arg-type]

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        held = self.proxy.caught(f"{self.command} {self.path}", body)
        answer = None
        if held and held.answered:
            answer = self._asked(body)
        if held:
            held.reached.set()
            held.ended.wait(LONGEST)
        if not (held and held.lost):
            self._reply(answer or self._asked(body))

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _any  # noqa: N815 - the names that http.server calls

    def _asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes] | None:
        if self.path.startswith("/rows/"):
            return 200, [], (self.proxy.rows / Path(self.path).name).read_bytes()
        connection = http.client.HTTPConnection(self.proxy.upstream, timeout=LONGEST)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in {*HOP_BY_HOP, "host"}}
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        except (OSError, http.client.HTTPException):
            return None  # as for a caller of the server itself: nobody there
        finally:
            connection.close()

    def _reply(self, answer: tuple[int, list[tuple[str, str]], bytes] | None) -> None:
        if answer is None:
            return
        status, headers, content = answer
        try:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the caller was cancelled meanwhile

    def log_message(self, *_: object) -> None:
        """Say nothing: the test says what went wrong."""
