"""The local Prefect and MLflow servers refuse foreign pages: on a real server, with raw headers."""

from __future__ import annotations

import http.client
import json

import pytest

from deployments.local.own_pages import refusal

OWN = [(b"host", b"127.0.0.1:4200")]


@pytest.mark.parametrize(
    "headers",
    [
        OWN,
        [(b"host", b"localhost:4200"), (b"origin", b"http://localhost:4200")],
        [(b"host", b"127.0.0.1:4200"), (b"origin", b"http://localhost:4200")],  # the page was opened by its other name
        [(b"host", b"[::1]:4200"), (b"origin", b"http://[::1]:4200")],
        [(b"host", b"localhost:14200"), (b"origin", b"http://localhost:14200")],  # through an SSH tunnel
    ],
)
def test_own_pages_and_programs_are_admitted(headers: list[tuple[bytes, bytes]]) -> None:
    assert refusal(headers) == ""


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"evil.example")],  # DNS rebinding
        [(b"host", b"evil.example:4200")],
        [(b"host", b"127.0.0.1.evil.example:4200")],
        [(b"host", b"127.0.0.1@evil.example")],
        [(b"host", b"evil@127.0.0.1:4200")],
        [(b"host", b"127.0.0.1:4200"), (b"host", b"evil.example")],
        [(b"host", b"127.0.0.1:99999999")],
        [*OWN, (b"origin", b"http://evil.example")],
        [*OWN, (b"origin", b"https://127.0.0.1.evil.example:4200")],
        [*OWN, (b"origin", b"http://localhost:3000")],  # another server of this machine
        [*OWN, (b"origin", b"null")],  # a file, or a sandboxed frame
        [*OWN, (b"origin", b"http://127.0.0.1:4200"), (b"origin", b"http://evil.example")],
    ],
)
def test_foreign_hosts_and_origins_are_refused(headers: list[tuple[bytes, bytes]]) -> None:
    assert refusal(headers).startswith("expected ")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("kind", [None, "application/json", "text/plain"])
def test_prefect_obeys_no_foreign_page(prefect_server: str, method: str, kind: str | None) -> None:
    server = prefect_server.removeprefix("http://").removesuffix("/api")
    body = json.dumps({"limit": 1}) if method not in ("GET", "HEAD") else None
    content = {} if kind is None else {"Content-Type": kind}
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Host": "evil.example", "Origin": "http://evil.example"}):
        status, said = answer(server, method, "/api/deployments/filter", body, headers | content)
        assert status == 403, said
    assert (
        answer(server, "POST", "/api/deployments/filter", "{}", {"Origin": f"http://{server}", "Content-Type": "application/json"})[0]
        == 200
    )


def answer(server: str, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection(server, timeout=30)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()
