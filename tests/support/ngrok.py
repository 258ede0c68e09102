#!/usr/bin/env python3
"""A stand-in for ngrok's agent, version 3.30: it says and answers what pyngrok waits for, and really forwards HTTP.

Its public side is HTTPS on a loopback port instead of a name of ngrok's. Like the agent, it names a token that it refuses, in its log
and on the standard error. STAND_IN_* variables set it up; STAND_IN_RECORD is a file it writes what it was given to, as JSON.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import stat
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

KIND = os.environ.get("STAND_IN_KIND", "")  # "", or: dies, silent, crowded (no endpoint is free), plain (a public side without TLS)
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


def say(level: str, message: str, **more: str) -> None:
    rest = "".join(f' {name}="{value}"' for name, value in more.items())
    print(f't=2026-11-01T00:00:00+0000 lvl={level} msg="{message}"{rest}', flush=True)


def main(arguments: list[str]) -> int:
    assert arguments[:4] == ["start", "--none", "--log", "stdout"], arguments
    config = Path(arguments[arguments.index("--config") + 1])
    given = config.read_text()
    record = {
        "arguments": arguments,
        "config": given,
        "mode": stat.S_IMODE(config.stat().st_mode),
        "folder_mode": stat.S_IMODE(config.parent.stat().st_mode),
        "environment": dict(os.environ),
        "pid": os.getpid(),
    }
    Path(os.environ["STAND_IN_RECORD"]).write_text(json.dumps(record))
    if KIND == "dies":
        say("crit", "command failed", err="something is wrong")
        return 1
    if KIND == "silent":
        threading.Event().wait()
    found = re.search(r"^  authtoken: (\S+)$", given, re.MULTILINE)
    token = found[1] if found else ""
    if token != os.environ["STAND_IN_TOKEN"]:
        words = f"authentication failed: The authtoken you specified is not valid.\\nYour authtoken: {token}\\n\\nERR_NGROK_107\\n"
        print(f"ERROR:  {words}", file=sys.stderr, flush=True)
        say("eror", "failed to reconnect session", obj="csess", err=words)
        return 1
    api = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    say("info", "starting web service", obj="web", addr=f"127.0.0.1:{api.server_port}")
    threading.Thread(target=api.serve_forever, daemon=True).start()
    say("info", "client session established", obj="tunnels.session")
    say("info", "tunnel session started", obj="tunnels.session")
    threading.Event().wait()
    return 0


class Public(BaseHTTPRequestHandler):
    """The public side of an endpoint."""

    protocol_version = "HTTP/1.1"
    upstream = ""

    def forward(self) -> None:
        target = urlsplit(self.upstream)
        place = f"{target.hostname}:{target.port}"
        if target.scheme == "https":  # as the agent, which does not check the certificate of a local upstream
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(place, context=ssl._create_unverified_context())
        else:
            connection = http.client.HTTPConnection(place)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        connection.request(self.command, self.path, body or None, headers | {"X-Forwarded-Proto": "https"})
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    def do_GET(self) -> None:
        self.forward()

    def do_POST(self) -> None:
        self.forward()

    def log_message(self, *_: Any) -> None:
        """The agent's log is what `say` writes."""


class Api(BaseHTTPRequestHandler):
    """The local API: /api/endpoints."""

    opened: dict[str, tuple[dict[str, Any], ThreadingHTTPServer]] = {}  # noqa: RUF012 - one agent, one process

    def do_GET(self) -> None:
        self.reply(200, {"endpoints": [shown for shown, _ in self.opened.values()]})

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if KIND == "crowded":
            token = os.environ["STAND_IN_TOKEN"]
            self.reply(502, {"status_code": 502, "msg": "failed to start tunnel", "details": {"err": f"{token} has one.\nERR_NGROK_334"}})
            return
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Endpoint", (Public,), {"upstream": wanted["upstream"]["url"]}))
        scheme = "http"
        if KIND != "plain":
            scheme, context = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(os.environ["STAND_IN_CERTIFICATE"], os.environ["STAND_IN_KEY"])
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        shown = {"id": "ep_1", "name": wanted["name"], "url": f"{scheme}://localhost:{server.server_port}", "upstream": wanted["upstream"]}
        self.opened[wanted["name"]] = (shown, server)
        self.reply(201, shown)

    def do_DELETE(self) -> None:
        _, server = self.opened.pop(self.path.removeprefix("/api/endpoints/"))
        server.shutdown()
        server.server_close()
        with open(os.environ["STAND_IN_RECORD"] + ".closed", "w") as file:
            file.write(self.path)
        self.reply(204, None)

    def reply(self, status: int, content: Any) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """The agent's log is what `say` writes."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
