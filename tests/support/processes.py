"""Flows in processes of their own, to be killed. They are forked from a process that has imported everything, which takes seconds."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess
from typing import Any

NEEDED = ("flows.release", "flows.rollback", "flows.service", "mlflow.sklearn", "matplotlib.figure", "skops.io")


def started(flow: str, *arguments: Any, time_outs: dict[str, int] | None = None, **parameters: Any) -> BaseProcess:
    """Start `flows.<flow>.<flow>` in a process of its own, with the environment as it is now.

    Args:
        time_outs: Seconds for steps that are given less time than usual.
    """
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload([*NEEDED, __name__])
    process = forking.Process(target=_run, args=(flow, dict(os.environ), time_outs or {}, arguments, parameters))
    process.start()
    return process


def _run(flow: str, environment: dict[str, str], time_outs: dict[str, int], arguments: tuple[Any, ...], parameters: dict[str, Any]) -> None:
    # a test run in the background ignores Ctrl-C, and its children would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    module = importlib.import_module(f"flows.{flow}")
    for place in (module, importlib.import_module("flows.service")):
        for step, seconds in time_outs.items():
            if hasattr(place, step):
                setattr(place, step, getattr(place, step).with_options(timeout_seconds=seconds))
    getattr(module, flow)(*arguments, **parameters)
