"""A gateway for one rehearsal: on a socket that its starter opened, never on a model's own port, and ended with its starter.

python -m slipway.gateway.rehearsing FOLDER DESCRIPTOR    its home folder, and the descriptor of the socket that listens
Standard input is a socket whose other end the starter holds: when that is closed, also by `kill -9`, this process ends.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import uvloop

from slipway.gateway import logs
from slipway.gateway.configuration import Configuration
from slipway.gateway.server import serve
from slipway.gateway.workers.workers import ParentChannel
from slipway.sockets import bind

ANY = 0


class Lifeline(ParentChannel):
    """The line to the starter: its end is the end, and whatever port a bundle asks for, a free one is opened."""

    def open(self, address: str, port: int) -> socket.socket:
        return bind(address, ANY)

    def close(self, port: int) -> None:
        """Tell nobody: the starter knows of no port but its own."""


def main(folder: str, descriptor: str) -> None:
    """Answer until the line to the starter ends, or SIGTERM. Settings of the environment are not read: they are the real gateway's."""
    logs.configure("text")
    os.umask(0o077)  # its audit log holds probe rows until the folder is removed
    sock = socket.socket(fileno=int(descriptor))
    address, port = sock.getsockname()[:2]
    configuration = Configuration(home=folder, bundles=str(Path(folder) / "bundles"), address=address, port=port, model_ports={})
    uvloop.run(serve(configuration, sock, channel=Lifeline(socket.socket(fileno=sys.stdin.fileno()))))


if __name__ == "__main__":
    main(*sys.argv[1:])
