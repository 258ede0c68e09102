"""`slipway tunnel`: the real command, the real pyngrok and a real gateway; only ngrok's agent, and so its network, is a stand-in."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from slipway.access import keys
from slipway.certificates import trial
from tests.support import forking
from tests.support.forking import Forked

STAND_IN = Path(__file__).parents[1].joinpath("support", "ngrok.py")
TOKEN = "-".join(["stand", "in", "for", "a", "token", "of", "ngrok"])
WRONG = TOKEN[::-1]
WITHIN = 60.0


def until(condition: Callable[[], Any], what: str) -> Any:
    """Return the first true value of `condition`; a connection that is refused counts as not yet."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        try:
            if value := condition():
                return value
        except httpx.TransportError:
            pass
        time.sleep(0.02)  # the pause between two looks at a condition
    pytest.fail(f"waited {WITHIN:.0f} s in vain until {what}")


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return int(taken.getsockname()[1])


def environment(**variables: object) -> dict[str, str]:
    """Return the shell's environment with these settings and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY_", "PREFECT_", "NGROK_"))}
    return kept | {name: str(value) for name, value in variables.items()}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> trial.Pair:
    """A certificate for localhost."""
    return trial.server(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def trust(pair: trial.Pair) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pair.certificate.with_name("authority.pem")))


@dataclass
class Gateway:
    """A gateway process, and the settings that lead a command to it."""

    home: Path
    key: str
    settings: dict[str, object]
    process: Forked | subprocess.Popen[bytes]


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Start a gateway on a free port; keywords are settings."""
    started: list[Forked] = []

    def start(trust: ssl.SSLContext | bool = True, **more: object) -> Gateway:
        key, port, home = keys.generate(), free_port(), tmp_path / "home"
        keys.add(home, "tester", key)
        settings = {"SLIPWAY_HOME": home, "SLIPWAY_GATEWAY_PORT": port, "SLIPWAY_PREFECT_PORT": free_port()} | more
        started.append(forking.gateway(environment(**settings), tmp_path))
        scheme = "https" if more else "http"
        until(lambda: httpx.get(f"{scheme}://127.0.0.1:{port}/ping", verify=trust).is_success, "the gateway answers")
        return Gateway(home, key, settings, started[-1])

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def gateway(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A running gateway without TLS."""
    return start_gateway()


@dataclass
class Slipway:
    """Runs `slipway tunnel` with the stand-in as the agent."""

    folder: Path
    variables: dict[str, object]
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, gateway: Gateway, *arguments: str, **more: object) -> subprocess.Popen[str]:
        """Start it; a variable that is None is taken away."""
        variables = {name: value for name, value in (gateway.settings | self.variables | more).items() if value is not None}
        self.running.append(
            subprocess.Popen(
                [sys.executable, "-m", "deployments.cli", "tunnel", *arguments],
                env=environment(**variables),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return self.running[-1]

    def open(self, gateway: Gateway, *arguments: str, **more: object) -> tuple[subprocess.Popen[str], str]:
        """Return the running command and the public address it shows."""
        process = self.start(gateway, "--json", *arguments, **more)
        assert process.stdout
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        return process, json.loads(line)["address"]

    def refused(self, gateway: Gateway, *arguments: str, **more: object) -> str:
        """Return what it says when it ends with exit status 1."""
        out, error = self.start(gateway, *arguments, **more).communicate(timeout=WITHIN)
        assert self.running[-1].returncode == 1, out + error
        assert "Traceback" not in error
        return error

    @property
    def given(self) -> dict[str, Any]:
        """What the agent was given."""
        return dict(json.loads((self.folder / "given.json").read_text()))

    @property
    def was_asked_to_close(self) -> bool:
        return (self.folder / "given.json.closed").exists()

    @property
    def started_an_agent(self) -> bool:
        return (self.folder / "given.json").exists()

    def left(self, gateway: Gateway) -> tuple[list[int], list[Path]]:
        """Return the agents that run, and the files with tokens that are there."""
        program = str(self.folder / "ngrok")
        agents = [process.pid for process in psutil.process_iter() if program in _arguments(process)]
        return agents, list(gateway.home.glob("tunnel-*"))


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture
def slipway(tmp_path: Path, pair: trial.Pair) -> Iterator[Slipway]:
    program = tmp_path / "ngrok"
    program.write_text(f"#!{sys.executable}\n{STAND_IN.read_text()}")
    program.chmod(0o700)
    runs = Slipway(
        tmp_path,
        {
            "SLIPWAY_NGROK_PATH": program,
            "SLIPWAY_NGROK_TOKEN": TOKEN,
            "STAND_IN_TOKEN": TOKEN,
            "STAND_IN_RECORD": tmp_path / "given.json",
            "STAND_IN_CERTIFICATE": pair.certificate,
            "STAND_IN_KEY": pair.key,
        },
    )
    yield runs
    for process in runs.running:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=WITHIN)


def test_help_has_an_example_and_knows_no_other_port() -> None:
    shown = subprocess.run([sys.executable, "-m", "deployments.cli", "tunnel", "--help"], capture_output=True, text=True)

    assert "For example: slipway tunnel --minutes 30" in shown.stdout
    assert "--port" not in shown.stdout


def test_the_gateway_is_reached_through_the_tunnel_with_a_key_only_and_sigterm_closes_it(
    slipway: Slipway, gateway: Gateway, trust: ssl.SSLContext
) -> None:
    process, address = slipway.open(gateway)

    assert address.startswith("https://")
    with httpx.Client(base_url=address, verify=trust) as client:
        assert client.get("/models").status_code == 401
        assert client.get("/models", headers={"Authorization": f"Bearer {gateway.key}"}).status_code == 200

    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=WITHIN)

    assert process.returncode == 0
    assert f"closed: {address}" in error
    assert slipway.was_asked_to_close
    assert slipway.left(gateway) == ([], [])
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/ping", verify=trust)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_the_end_of_the_terminal_close_it(slipway: Slipway, gateway: Gateway, number: int) -> None:
    process, _ = slipway.open(gateway)

    process.send_signal(number)
    process.communicate(timeout=WITHIN)

    assert process.returncode == 0
    assert slipway.was_asked_to_close
    assert slipway.left(gateway) == ([], [])


def test_it_closes_by_itself_after_its_minutes(slipway: Slipway, gateway: Gateway) -> None:
    process = slipway.start(gateway, "--minutes", "0.02")

    out, error = process.communicate(timeout=WITHIN)

    assert process.returncode == 0
    assert out.startswith("https://localhost:")
    assert len(out.splitlines()) == 1  # the address alone, for who takes it from the standard output
    assert "it closes in 0.02 minutes" in error
    assert slipway.was_asked_to_close
    assert slipway.left(gateway) == ([], [])


def test_a_gateway_with_tls_is_forwarded_to_with_tls(
    slipway: Slipway, start_gateway: Callable[..., Gateway], pair: trial.Pair, trust: ssl.SSLContext
) -> None:
    authority = pair.certificate.with_name("authority.pem")
    secured = start_gateway(trust, SLIPWAY_TLS_CERTIFICATE=pair.certificate, SLIPWAY_TLS_KEY=pair.key, SLIPWAY_TLS_AUTHORITY=authority)

    _, address = slipway.open(secured)

    reply = httpx.get(f"{address}/models", verify=trust, headers={"Authorization": f"Bearer {secured.key}"})
    assert reply.status_code == 200


def test_the_token_is_in_no_argument_and_in_a_file_only_while_the_agent_starts(slipway: Slipway, gateway: Gateway) -> None:
    process, _ = slipway.open(gateway, NGROK_AUTHTOKEN=WRONG, NGROK_API_KEY=WRONG)  # pyngrok would make arguments of these two

    arguments = [" ".join(_arguments(found)) for found in psutil.process_iter()]
    files = [path for path in gateway.home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    process.send_signal(signal.SIGTERM)
    out, error = process.communicate(timeout=WITHIN)

    assert TOKEN in slipway.given["config"]
    assert (slipway.given["mode"], slipway.given["folder_mode"]) == (0o600, 0o700)
    assert not files
    for secret in (TOKEN, WRONG):
        assert not [line for line in arguments if secret in line]
        assert secret not in out + error
    assert WRONG not in json.dumps(slipway.given["environment"])
    assert "SLIPWAY_NGROK_TOKEN" not in slipway.given["environment"]


def test_requests_are_not_kept_for_the_agents_local_page(slipway: Slipway, gateway: Gateway) -> None:
    slipway.open(gateway)

    assert "  inspect_db_size: -1\n" in slipway.given["config"]


def test_ngroks_own_variable_is_read_and_a_proxy_is_not_asked_for_this_machine(slipway: Slipway, gateway: Gateway, dead_url: str) -> None:
    _, address = slipway.open(
        gateway, SLIPWAY_NGROK_TOKEN=None, NGROK_AUTHTOKEN=TOKEN, http_proxy=dead_url, HTTP_PROXY=dead_url, no_proxy="", NO_PROXY=""
    )

    assert address


def test_without_a_token_it_is_refused_with_the_way_to_one(slipway: Slipway, gateway: Gateway) -> None:
    error = slipway.refused(gateway, SLIPWAY_NGROK_TOKEN=None)

    assert "none is set" in error
    assert "SLIPWAY_NGROK_TOKEN" in error
    assert not slipway.started_an_agent


def test_an_agent_that_is_not_there_is_refused(slipway: Slipway, gateway: Gateway, tmp_path: Path) -> None:
    assert "is not a program" in slipway.refused(gateway, SLIPWAY_NGROK_PATH=tmp_path / "elsewhere")


def test_a_download_that_fails_says_how_to_do_without(slipway: Slipway, gateway: Gateway, dead_url: str) -> None:
    error = slipway.refused(gateway, SLIPWAY_NGROK_PATH=None, https_proxy=dead_url, HTTPS_PROXY=dead_url, no_proxy="", NO_PROXY="")

    assert "downloading ngrok" in error
    assert "SLIPWAY_NGROK_PATH" in error


def test_while_the_gateway_is_down_it_is_refused(slipway: Slipway, gateway: Gateway) -> None:
    gateway.process.kill()
    gateway.process.wait()

    error = slipway.refused(gateway)

    assert "the gateway does not answer" in error
    assert "slipway up" in error
    assert not slipway.started_an_agent


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[[dict[str, int]], Gateway]]:
    """Start a server that is not the gateway, and answers every path with 200, or with a given status."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(statuses: dict[str, int]) -> Gateway:
        class Other(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(statuses.get(self.path, 200))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        settings = {"SLIPWAY_HOME": tmp_path / "home", "SLIPWAY_GATEWAY_PORT": servers[-1].server_port}
        return Gateway(tmp_path / "home", "", settings | {"SLIPWAY_PREFECT_PORT": free_port()}, subprocess.Popen(["true"]))

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("statuses", "error"),
    [
        ({}, "/models, without a key, 200"),
        ({"/models": 404}, "/models, without a key, 404"),
        ({"/models": 401, "/ping": 404}, "/ping answered 404"),
    ],
    ids=["lets everybody in", "has no models", "is another program with a password"],
)
def test_what_is_not_a_gateway_that_asks_for_a_credential_is_refused(
    slipway: Slipway, answering: Callable[[dict[str, int]], Gateway], statuses: dict[str, int], error: str
) -> None:
    assert error in slipway.refused(answering(statuses))
    assert not slipway.started_an_agent


def test_a_token_that_ngrok_refuses_is_reported_without_showing_it(slipway: Slipway, gateway: Gateway) -> None:
    process = slipway.start(gateway, "--json", SLIPWAY_NGROK_TOKEN=WRONG)
    out, error = process.communicate(timeout=WITHIN)

    assert process.returncode == 1
    assert json.loads(out)["error"] == "TunnelError"
    assert "Your authtoken: *** ERR_NGROK_107" in error
    assert "Check SLIPWAY_NGROK_TOKEN" in error
    assert WRONG in slipway.given["config"]
    assert WRONG not in out + error
    assert slipway.left(gateway) == ([], [])


@pytest.mark.parametrize(
    ("kind", "error"),
    [("dies", "something is wrong"), ("crowded", "*** has one. ERR_NGROK_334"), ("plain", "which is not encrypted")],
)
def test_an_agent_that_opens_no_tunnel_is_reported_and_ended(slipway: Slipway, gateway: Gateway, kind: str, error: str) -> None:
    words = slipway.refused(gateway, STAND_IN_KIND=kind)

    assert error in words
    assert TOKEN not in words
    assert slipway.left(gateway) == ([], [])


def test_an_agent_that_says_nothing_is_ended_when_the_command_is_stopped(slipway: Slipway, gateway: Gateway) -> None:
    process = slipway.start(gateway, STAND_IN_KIND="silent")
    until(lambda: slipway.started_an_agent, "the agent is started")

    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=WITHIN)

    assert "it was stopped before" in error
    assert slipway.left(gateway) == ([], [])


def test_an_agent_that_says_nothing_is_given_up_after_a_time(
    slipway: Slipway, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, no_settings: None
) -> None:
    from slipway.settings import Settings
    from slipway.tunnel.address import TunnelError, opened

    for name, value in (gateway.settings | slipway.variables | {"STAND_IN_KIND": "silent"}).items():
        monkeypatch.setenv(name, str(value))

    with pytest.raises(TunnelError, match=r"did not come up in 0\.5 s"), opened(Settings.load(), patience=0.5):
        pytest.fail("there is no tunnel")

    assert slipway.left(gateway) == ([], [])


def test_an_agent_below_a_wrapper_is_ended_too(slipway: Slipway, gateway: Gateway, tmp_path: Path) -> None:
    """The `ngrok` command of the package pyngrok is such a wrapper."""
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\n"{tmp_path / "ngrok"}" "$@"\nexit $?\n')
    wrapper.chmod(0o700)
    process, _ = slipway.open(gateway, SLIPWAY_NGROK_PATH=wrapper)
    assert slipway.left(gateway)[0] != []

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=WITHIN)

    assert slipway.left(gateway) == ([], [])


def test_an_agent_that_ends_later_ends_the_command(slipway: Slipway, gateway: Gateway) -> None:
    process, _ = slipway.open(gateway)

    os.kill(slipway.given["pid"], signal.SIGKILL)
    _, error = process.communicate(timeout=WITHIN)

    assert process.returncode == 1
    assert "ngrok's agent ended by itself" in error
    assert slipway.left(gateway) == ([], [])


def test_a_gateway_that_ends_closes_the_tunnel_before_another_program_has_its_port(slipway: Slipway, gateway: Gateway) -> None:
    process, _ = slipway.open(gateway)

    gateway.process.kill()
    gateway.process.wait()
    _, error = process.communicate(timeout=WITHIN)

    assert process.returncode == 1
    assert "ended, so the tunnel was closed" in error
    assert slipway.was_asked_to_close
    assert slipway.left(gateway) == ([], [])


def test_prefect_shows_the_address_and_that_it_was_closed(slipway: Slipway, gateway: Gateway, prefect_server: str) -> None:
    def shown() -> list[dict[str, Any]]:
        """Return the artifact's versions, the newest first."""
        body = {"artifacts": {"key": {"any_": ["tunnel"]}}, "sort": "CREATED_DESC"}
        return list(httpx.post(f"{prefect_server}/artifacts/filter", json=body).raise_for_status().json())

    port = int(prefect_server.removesuffix("/api").rsplit(":", 1)[1])
    process, address = slipway.open(gateway, "--minutes", "10", SLIPWAY_PREFECT_PORT=port)
    opened = until(shown, "the artifact is there")[0]
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=WITHIN)
    closed = shown()[0]

    assert process.returncode == 0, error
    assert address in opened["data"]
    assert "closes by itself at" in opened["description"]
    assert f"{address} (closed)" in closed["data"]
    assert "was closed at" in closed["description"]
    assert TOKEN not in json.dumps([opened, closed])
    assert "does not show" not in error
