"""Who is notified, for tests: a real web hook receiver and a real mail server, on loopback."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Receiver:
    """A web hook receiver. `statuses` are its next answers, `status` is that of all after them."""

    url: str = ""
    status: int = 200
    statuses: list[int] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    def wait_for(self, true: Callable[[dict[str, Any]], bool], seconds: float = 60) -> dict[str, Any]:
        """Return the first message of which it is true."""
        deadline = time.monotonic() + seconds
        while not (found := [message for message in self.messages if true(message)]):
            assert time.monotonic() < deadline, f"no such message within {seconds} s, only {[m['subject'] for m in self.messages]}"
            time.sleep(0.1)
        return found[0]


@contextmanager
def web_hook(path: str) -> Iterator[Receiver]:
    """Run a receiver that keeps what is posted to it."""
    receiver = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = receiver.statuses.pop(0) if receiver.statuses else receiver.status
            receiver.messages.append(body | {"path": self.path, "answered": status})
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}{path}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield receiver
        server.shutdown()


@dataclass
class Mailbox:
    port: int = 0
    mails: list[str] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Run an SMTP server that keeps the text of every mail."""
    mailbox = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 loopback\r\n")
            while line := self.rfile.readline():
                command = line[:4].upper()
                if command == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    mailbox.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 fine\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        mailbox.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield mailbox
        server.shutdown()
