"""Load for one address, from a process of its own: `python load.py` with a JSON task on standard input, the figures on standard output.

Each connection sends its next request when the last one is answered (a closed loop). Requests are prepared as bytes, and answers are
compared as bytes, so that one core can send faster than any server here answers.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop


@dataclass
class Measured:
    """Latencies in seconds of the right answers after the warm-up, and how many answers were wrong or missing.

    Errors are counted apart, because a refusal is quick.
    """

    latencies: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""


class Connection(asyncio.Protocol):
    def __init__(self, request: bytes, expected: bytes, begin: float, end: float, measured: Measured, done: asyncio.Future[None]) -> None:
        self.request, self.expected, self.begin, self.end = request, expected, begin, end
        self.measured, self.done = measured, done
        self.received, self.sent = bytearray(), 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head = self.received.find(b"\r\n\r\n")
        if head < 0:
            return
        lowered = bytes(self.received[:head]).lower()
        place = lowered.find(b"content-length:")
        length = int(lowered[place + 15 :].split(b"\r\n", 1)[0])
        if len(self.received) < head + 4 + length:
            return
        now = time.perf_counter()
        if self.sent >= self.begin:
            self._note(bytes(self.received[head + 4 : head + 4 + length]), now)
        self.received.clear()
        if now < self.end:
            self._send()
        else:
            self.transport.close()
            self._finish()

    def _note(self, body: bytes, now: float) -> None:
        if not self.received.startswith(b"HTTP/1.1 200") or (self.expected and body.replace(b" ", b"").strip() != self.expected):
            self.measured.errors += 1
            self.measured.first_error = self.measured.first_error or bytes(self.received[:600]).decode("utf-8", "replace")
        else:
            self.measured.latencies.append(now - self.sent)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.measured.errors += 1
            self.measured.first_error = self.measured.first_error or f"the connection was lost: {exc}"
            self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def run(task: dict[str, Any]) -> Measured:
    """Send requests for `warm_up` + `seconds` over `connections` connections."""
    body, expected = task["body"].encode(), task["expected"].encode()
    head = [f"POST {task['path']} HTTP/1.1", f"Host: 127.0.0.1:{task['port']}", "Content-Type: application/json"]
    head += [f"{name}: {value}" for name, value in task["headers"].items()] + [f"Content-Length: {len(body)}"]
    request = "\r\n".join(head).encode() + b"\r\n\r\n" + body
    context = ssl.create_default_context(cafile=task["authority"]) if task["authority"] else None
    loop, measured = asyncio.get_running_loop(), Measured()
    begin = time.perf_counter() + task["warm_up"]
    waiting = []
    for _ in range(task["connections"]):
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(done)
        made = (request, expected, begin, begin + task["seconds"], measured, done)
        await loop.create_connection(lambda made=made: Connection(*made), "127.0.0.1", task["port"], ssl=context)
    await asyncio.wait_for(asyncio.gather(*waiting), task["warm_up"] + task["seconds"] + 120)
    return measured


def main() -> None:
    task = json.load(sys.stdin)
    measured = uvloop.run(run(task))
    found = sorted(measured.latencies)
    quantile = (
        {share: found[min(len(found) - 1, int(share * len(found)))] * 1e3 for share in (0.5, 0.99)} if found else {0.5: 0.0, 0.99: 0.0}
    )
    json.dump(
        {
            "requests_per_second": len(found) / task["seconds"],
            "p50_ms": quantile[0.5],
            "p99_ms": quantile[0.99],
            "errors": measured.errors,
            "first_error": measured.first_error,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
