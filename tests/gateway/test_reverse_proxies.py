"""The gateway behind real proxies, with the configurations of docs/reverse-proxies.md; and what a stranger can claim without one."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from slipway import audit
from slipway.access import keys
from slipway.certificates import trial
from tests.gateway.conftest import Gateway

PAGE = Path(__file__).parents[2] / "docs" / "reverse-proxies.md"
FORGED = {
    "X-Forwarded-For": "198.51.100.1",
    "Forwarded": "for=198.51.100.1;proto=https;host=evil.org",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Host": "evil.org",
    "X-Forwarded-Proto": "https",
}
ROW = {"inputs": [[30, 0.0, "F"]]}


def address_of(gateway, reply):
    return next(line.address for line in audit.read(gateway.home, "toy", 1000) if line.request_id == reply.headers["x-request-id"])


def test_no_forwarded_field_of_a_stranger_is_believed(answering):
    reply = answering.ask(ROW)
    forged = httpx.post(f"{answering.url}/models/toy/invocations", json=ROW, headers=answering.bearer | FORGED)
    document = httpx.get(f"{answering.url}/models/toy/openapi.json", headers=answering.bearer | FORGED).json()

    assert address_of(answering, forged) == address_of(answering, reply) == "127.0.0.1"
    assert document["servers"] == [{"url": "/models/toy"}]
    assert httpx.get(f"{answering.url}/openapi.json", headers=FORGED).json()["servers"] == [{"url": "/"}]


@pytest.fixture(scope="module")
def behind(tmp_path_factory, bundles) -> Iterator:
    """A gateway that trusts 127.0.0.2, the proxies' own address."""
    gateway = Gateway(tmp_path_factory.mktemp("home"))
    keys.add(gateway.home, "tester", gateway.key)
    (gateway.home / ".env").write_text("SLIPWAY_TRUSTED_PROXIES=127.0.0.2\nSLIPWAY_KEEP_ALIVE_SECONDS=1\n")
    gateway.start().serve(bundles["toy-1"])
    yield gateway
    gateway.stop()


@pytest.fixture(params=["nginx", "haproxy"])
def proxied(request, behind, free_port, tmp_path, until) -> Iterator[httpx.Client]:
    """A client of the proxy, whose configuration is that of the page, with other ports and certificates."""
    if not (program := shutil.which(request.param, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")):
        pytest.skip(f"{request.param} is not installed")
    [text] = re.findall(rf"```{request.param}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    pair, port = trial.server(tmp_path / "certificates"), free_port()
    both = tmp_path / "both.pem"
    both.write_text(pair.certificate.read_text() + pair.key.read_text())
    for before, after in {
        "listen 443": f"listen 127.0.0.1:{port}",
        "bind :443": f"bind 127.0.0.1:{port}",
        "127.0.0.1:8000": f"127.0.0.1:{behind.port}",
        "/etc/nginx/ml.pem": str(pair.certificate),
        "/etc/nginx/ml.key": str(pair.key),
        "/etc/haproxy/ml.pem": str(both),
    }.items():
        text = text.replace(before, after)
    file = tmp_path / "proxy.conf"
    if request.param == "nginx":
        places = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        file.write_text(f"daemon off; master_process off; pid {tmp_path}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{places}{text}\n}}\n")
        command = [program, "-c", str(file), "-e", str(tmp_path / "error.log")]
    else:
        file.write_text(text)
        command = [program, "-db", "-f", str(file)]
    trust = ssl.create_default_context(cafile=str(pair.certificate.with_name("authority.pem")))
    with subprocess.Popen(command) as process, httpx.Client(base_url=f"https://127.0.0.1:{port}/ml", verify=trust) as client:
        try:
            until(lambda: client.get("/ping").is_success, what=request.param)
            yield client
        finally:
            process.send_signal(signal.SIGKILL)


def test_behind_a_trusted_proxy_address_scheme_and_prefix_are_right_and_cannot_be_forged(behind, proxied):
    url = str(proxied.base_url).rstrip("/")
    reply = proxied.post("/models/toy/invocations", json=ROW, headers=behind.bearer | FORGED)
    document = proxied.get("/models/toy/openapi.json", headers=behind.bearer | FORGED).json()

    assert reply.status_code == 200, reply.text
    assert address_of(behind, reply) == "127.0.0.1"  # the client's, not the proxy's 127.0.0.2
    assert document["servers"] == [{"url": f"{url}/models/toy"}]
    assert proxied.get("/openapi.json", headers=FORGED).json()["servers"] == [{"url": f"{url}/"}]
    assert proxied.post(f"{document['servers'][0]['url']}/predict", json=ROW, headers=behind.bearer).is_success


def test_guessing_through_a_proxy_is_delayed_for_the_address_that_guesses(behind):
    """From two clients of one trusted proxy: the second does not wait for the first. Of each, the free attempts are 30."""
    proxy = httpx.Client(base_url=behind.url, transport=httpx.HTTPTransport(local_address="127.0.0.2"))

    def guess(number, address):
        sent = {"name": f"guessed-{number}", "password": "wrong"}
        return proxy.post("/sessions", json=sent, headers={"X-Forwarded-For": f"192.0.2.{number}, {address}"}, timeout=30).status_code

    statuses = [guess(number, "203.0.113.9") for number in range(36)]  # the wait doubles, so a slow machine meets it a little later

    assert statuses[:30] == [401] * 30
    assert 429 in statuses[31:]
    assert guess(99, "203.0.113.10") == 401


def test_an_idle_connection_is_closed_after_the_seconds_of_the_setting(behind):
    with socket.create_connection(("127.0.0.1", behind.port), timeout=8) as connection:
        connection.sendall(b"GET /ping HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert connection.recv(4096) == b""  # after one second, where the default is 75
