"""What the gateway uses of uvicorn beyond its public interface. A new version may change it; then `network/listening.py` must follow."""

from __future__ import annotations

import ast
import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path

import uvicorn
from uvicorn.server import ServerState

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_the_installed_version_is_the_one_that_is_allowed():
    [bound] = [one for one in tomllib.loads(PROJECT.read_text())["project"]["dependencies"] if one.startswith("uvicorn")]
    major, minor = version("uvicorn").split(".")[:2]

    assert bound == f"uvicorn>={major}.{minor},<{major}.{int(minor) + 1}"


def test_the_state_of_a_server_has_what_the_connections_use():
    state = ServerState()

    assert (state.total_requests, state.connections, state.tasks, state.default_headers) == (0, set(), set(), [])


def test_a_server_asks_connections_only_to_shut_down():
    """Whatever else uvicorn asked of its protocol classes, ours would not have."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(uvicorn.Server)))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "connection"}

    assert used == {"shutdown"}


def test_a_server_starts_and_ends_by_the_methods_that_are_overridden():
    assert list(inspect.signature(uvicorn.Server.startup).parameters) == ["self", "sockets"]
    assert {"capture_signals", "serve", "shutdown", "main_loop"} <= vars(uvicorn.Server).keys()
    assert {"http", "ws", "lifespan", "proxy_headers", "server_header", "timeout_graceful_shutdown"} <= set(
        inspect.signature(uvicorn.Config).parameters
    )
