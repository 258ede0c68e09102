"""A gateway for one rehearsal: it listens on a socket of the process that started it, never on a model's own port, and ends with it.

python -m slipway.gateway.rehearsing FOLDER DESCRIPTOR    the home folder, and the descriptor of the listening socket
Standard input is one end of a socket pair; the starter has the other end. When the starter ends, also by `kill -9`, this process ends, and
removes the folder if the starter cannot.
"""

from __future__ import annotations

import os
import shutil
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
    """The connection to the starter. This process ends with it, and opens a free port instead of a model's own."""

    def open(self, address: str, port: int) -> socket.socket:
        return bind(address, ANY)

    def close(self, port: int) -> None:
        """Do nothing: the starter knows only its own port."""


def main(folder: str, descriptor: str) -> None:
    """Answer until the starter ends, or SIGTERM. The settings of the environment are the real gateway's, so they are not read."""
    logs.configure("text")
    os.umask(0o077)  # its audit log contains probe rows until the folder is removed
    lifeline = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    sock = socket.socket(fileno=int(descriptor))
    address, port = sock.getsockname()[:2]
    configuration = Configuration(home=folder, bundles=str(Path(folder) / "bundles"), address=address, port=port, model_ports={})
    uvloop.run(serve(configuration, sock, channel=Lifeline(socket.socket(fileno=sys.stdin.fileno()))))
    if _is_closed(lifeline):
        shutil.rmtree(folder, ignore_errors=True)


def _is_closed(sock: socket.socket) -> bool:
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


if __name__ == "__main__":
    main(*sys.argv[1:])
