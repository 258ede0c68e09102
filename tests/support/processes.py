"""Flows and commands in processes of their own, to be killed.

They are forked from a process that has imported everything, which takes seconds.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from slipway import models
from slipway.catalogue import catalogue
from tests.support.writes import KilledAt

NEEDED = (
    "flows.release",
    "flows.rollback",
    "flows.promote",
    "flows.service",
    "deployments.cli",
    "mlflow.sklearn",
    "matplotlib.figure",
    "skops.io",
)


def started(
    flow: str, *arguments: Any, time_outs: dict[str, int] | None = None, killed_at: KilledAt | None = None, **parameters: Any
) -> BaseProcess:
    """Start `flows.<flow>.<flow>` in a process of its own, with the environment as it is now.

    Args:
        time_outs: Seconds for steps that are given less time than usual.
        killed_at: The write at which it is killed.
    """
    return _forked(_run, flow, time_outs or {}, arguments, parameters, killed_at=killed_at)


def started_command(*arguments: str, killed_at: KilledAt | None = None) -> BaseProcess:
    """Start `slipway ARGUMENTS` in a process of its own."""
    return _forked(_command, arguments, killed_at=killed_at)


def _forked(work: Callable[..., None], *arguments: Any, killed_at: KilledAt | None) -> BaseProcess:
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload([*NEEDED, __name__])
    process = forking.Process(target=_begin, args=(dict(os.environ), killed_at, work, arguments))
    process.start()
    return process


def _begin(environment: dict[str, str], killed_at: KilledAt | None, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    # a test run in the background ignores Ctrl-C, and its children would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # the environment may name another
    importlib.reload(models)  # and other models
    catalogue.cache_clear()
    if killed_at:
        killed_at.begin()
    work(*arguments)


def _run(flow: str, time_outs: dict[str, int], arguments: tuple[Any, ...], parameters: dict[str, Any]) -> None:
    module = importlib.import_module(f"flows.{flow}")
    for place in (module, importlib.import_module("flows.service")):
        for step, seconds in time_outs.items():
            if hasattr(place, step):
                setattr(place, step, getattr(place, step).with_options(timeout_seconds=seconds))
    getattr(module, flow)(*arguments, **parameters)


def _command(arguments: tuple[str, ...]) -> None:
    app = importlib.import_module("deployments.cli").app
    app(list(arguments))
