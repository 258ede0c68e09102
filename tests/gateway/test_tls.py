"""TLS on the real gateway: what it accepts, how a certificate is replaced under open connections, and when it refuses to start."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from slipway import audit
from slipway.certificates import issuing, trial
from slipway.errors import PlatformError
from slipway.gateway.network.exposure import ExposedError, check
from slipway.gateway.network.tls import ServerCertificate, ends_at

ROW = [30, 0.0, "F"]


@pytest.fixture
def pair(tmp_path: Path) -> trial.Pair:
    return trial.server(tmp_path / "certificates")


@pytest.fixture
def trust(pair: trial.Pair) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pair.certificate.with_name("authority.pem")))


@pytest.fixture
def secured(cold_gateway, pair, trust, until):
    """The gateway under TLS, started; `.env` in its folder is where it reads settings from."""
    settings = {"SLIPWAY_TLS_CERTIFICATE": pair.certificate, "SLIPWAY_TLS_KEY": pair.key, "SLIPWAY_HEADER_SECONDS": 1}
    (cold_gateway.home / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    cold_gateway.run()
    until(lambda: httpx.get(f"https://127.0.0.1:{cold_gateway.port}/ping", verify=trust).is_success, seconds=20)
    return cold_gateway


@contextlib.contextmanager
def connected(port: int, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        yield sock


def ping(sock: ssl.SSLSocket) -> bytes:
    sock.sendall(b"GET /ping HTTP/1.1\r\nhost: localhost\r\n\r\n")
    found = b""
    while not found.endswith(b"\r\n\r\n\n") and (part := sock.recv(4096)):
        found += part
    return found


def serial(port: int, context: ssl.SSLContext) -> str:
    with connected(port, context) as sock:
        return str((sock.getpeercert() or {})["serialNumber"])


def with_(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_taken_with_forward_secrecy_over_http_1_1(secured, trust, version):
    with_(trust, version).set_alpn_protocols(["h2", "http/1.1"])

    with connected(secured.port, trust) as sock:
        name = sock.cipher()[0]
        assert sock.selected_alpn_protocol() == "http/1.1"
        assert sock.compression() is None
        assert name.startswith(("ECDHE-", "TLS_"))
        assert "GCM" in name or "CHACHA20" in name
        assert ping(sock).startswith(b"HTTP/1.1 200")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_versions_and_weak_ciphers_are_refused(secured, trust):
    old = with_(ssl.create_default_context(), ssl.TLSVersion.TLSv1_1)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with_(trust, ssl.TLSVersion.TLSv1_2).set_ciphers("AES128-SHA:AES256-SHA:AES128-GCM-SHA256:@SECLEVEL=0")

    for context in (old, trust):
        with pytest.raises((ssl.SSLError, ConnectionError)), connected(secured.port, context) as sock:
            ping(sock)


def test_plain_http_gets_no_answer_on_a_tls_port(secured):
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{secured.port}/ping")


def test_a_model_s_own_port_is_under_tls_too(secured, bundles, trust, until):
    secured.point_at(bundles["toy-1"])
    url = f"https://127.0.0.1:{secured.model_port}"
    until(lambda: httpx.get(f"{url}/ping", verify=trust).is_success)

    reply = httpx.post(f"{url}/invocations", json={"inputs": [ROW]}, headers=secured.bearer, verify=trust)

    assert reply.json() == {"predictions": [0]}


def test_a_new_certificate_is_taken_and_open_connections_go_on(secured, pair, trust, until):
    before = serial(secured.port, trust)
    with connected(secured.port, trust) as kept:
        assert ping(kept).startswith(b"HTTP/1.1 200")
        trial.server(pair.certificate.parent, renew=True)

        until(lambda: serial(secured.port, trust) != before, seconds=5)

        assert (kept.getpeercert() or {})["serialNumber"] == before
        assert ping(kept).startswith(b"HTTP/1.1 200")
    assert "the new certificate is in service" in secured.log()


def test_a_damaged_new_pair_leaves_the_old_one_in_service_and_is_reported(secured, pair, trust, until):
    before = serial(secured.port, trust)
    pair.certificate.write_text("-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n")

    until(lambda: "The certificate that was in service stays" in secured.log(), seconds=5)

    assert serial(secured.port, trust) == before
    assert secured.log().count("stays") == 1
    issued = issuing.new_key()
    pair.key.write_bytes(issuing.key_pem(issued))  # a key of another certificate: still not a pair
    time.sleep(1.5)  # files are looked at every second, and that nothing changes cannot be waited for
    assert serial(secured.port, trust) == before


def test_a_pipe_in_the_place_of_the_certificate_holds_up_nobody_and_not_the_end(secured, pair, trust, until):
    before = serial(secured.port, trust)
    pair.certificate.unlink()
    os.mkfifo(pair.certificate)

    until(lambda: "expected a regular file" in secured.log(), seconds=5)

    assert serial(secured.port, trust) == before
    assert secured.stop() == 0


def test_the_certificate_in_service_shows_its_end_and_its_error(pair):
    served = ServerCertificate(pair.certificate, pair.key)
    assert served.ends_at == pair.ends_at.timestamp()  # `cryptography` read the one, our own few lines the other

    whole = pair.key.read_bytes()
    pair.key.write_bytes(issuing.key_pem(issuing.new_key()))
    served.refresh()
    assert "KEY_VALUES_MISMATCH" in (served.error or "")

    pair.key.write_bytes(whole)
    served.refresh()
    assert served.error is None


def test_the_end_of_a_certificate_after_2050_is_read_as_well(tmp_path):
    from datetime import UTC, datetime

    key, path = issuing.new_key(), tmp_path / "far.pem"
    far = datetime(2061, 2, 3, 4, 5, 6, tzinfo=UTC)  # from 2050 on, the time is written in another form
    path.write_bytes(issuing.certificate_pem(issuing.authority(key, (datetime(2026, 1, 1, tzinfo=UTC), far))))

    assert ends_at(path) == far.timestamp()


def test_a_key_with_a_passphrase_is_an_error_without_a_prompt(pair):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"environment")
    )
    pair.key.write_bytes(locked)

    with pytest.raises(PlatformError, match="has a passphrase"):
        ServerCertificate(pair.certificate, pair.key)


def test_accepted_requests_are_also_answered_under_tls(secured, bundles, trust, until):
    secured.point_at(bundles["toy-1"])
    until(lambda: httpx.get(f"https://127.0.0.1:{secured.model_port}/ping", verify=trust).is_success)
    body = b'{"inputs": [' + b",".join([b'[30, 0.0, "F"]'] * 20_000) + b"]}"
    replies: list[http.client.HTTPResponse] = []
    with connected(secured.model_port, trust) as sock:
        head = f"POST /invocations HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secured.key}\r\n"
        sock.sendall(f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body[:-1])
        time.sleep(0.2)  # until the gateway reads the body; a request that is not answered yet shows nothing
        ending = threading.Thread(target=lambda: replies.append(secured.stop(signal.SIGTERM)))
        ending.start()
        time.sleep(0.2)  # until it is ending; it goes on waiting for the last byte, and shows nothing of that either
        sock.sendall(body[-1:])
        reply = http.client.HTTPResponse(sock)
        reply.begin()
        answer = reply.read()
    ending.join()

    assert reply.status == 200
    assert answer.count(b"0") == 20_000
    assert replies == [0]
    assert audit.read(secured.home, "toy", 1)


def test_a_handshake_that_does_not_come_is_ended(secured):
    with socket.create_connection(("127.0.0.1", secured.port), timeout=5) as silent:
        started = time.monotonic()
        assert silent.recv(100) == b""

    assert 0.5 < time.monotonic() - started < 4


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.1.2.3"])
def test_it_does_not_start_beyond_loopback_without_tls(cold_gateway, address):
    (cold_gateway.home / ".env").write_text(f"SLIPWAY_GATEWAY_ADDRESS={address}\n")

    assert cold_gateway.run().wait(timeout=30) == 1
    assert "Set SLIPWAY_TLS_CERTIFICATE and SLIPWAY_TLS_KEY (`slipway certs`" in cold_gateway.log()
    assert "listening" not in cold_gateway.log()


def test_a_certificate_that_is_missing_is_reported_and_nothing_starts(cold_gateway):
    (cold_gateway.home / ".env").write_text("SLIPWAY_TLS_CERTIFICATE=none.pem\nSLIPWAY_TLS_KEY=none.key\n")

    assert cold_gateway.run().wait(timeout=30) == 1
    assert "none.pem and" in cold_gateway.log()
    assert "cannot be read. Replace the pair, or make one with `slipway certs`." in cold_gateway.log()


def test_only_this_machine_s_own_addresses_need_no_tls():
    refusals: list[Callable[[], None]] = [
        lambda: check("0.0.0.0", tls=False, authentication=True),
        lambda: check("::", tls=False, authentication=True),
        lambda: check("::ffff:127.0.0.1", tls=False, authentication=True),
        lambda: check("192.168.1.5", tls=True, authentication=False),
    ]
    for refused in refusals:
        with pytest.raises(ExposedError, match="or leave SLIPWAY_GATEWAY_ADDRESS"):
            refused()
    for address in ("127.0.0.1", "127.1.2.3", "::1"):
        check(address, tls=False, authentication=False)
    check("0.0.0.0", tls=True, authentication=True)
