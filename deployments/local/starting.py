"""Starting programs side by side and waiting until each one answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

import httpx

from deployments.local.answering import answers
from deployments.local.logs import Mark
from deployments.local.services import Program
from deployments.local.supervisor import Supervisor
from slipway.errors import PlatformError
from slipway.retries import wait_until

POLL_SECONDS = 0.2
EXITS_ALLOWED = 1  # one restart may heal, for example when an ending process still held the port

Progress = Callable[[str], None]


class Start:
    """One attempt to have every program answer. Programs that ran before are waited for too, and never stopped."""

    def __init__(self, supervisor: Supervisor, wanted: Mapping[str, Program], already: set[str], progress: Progress) -> None:
        self._supervisor = supervisor
        self._waiting = dict(wanted)
        self._already = already
        self._progress = progress
        self._watches: dict[str, _Watch] = {}
        self.started: list[str] = []

    def run(self, http: httpx.Client) -> None:
        """Return when all answer.

        Raises:
            PlatformError: One of them exited twice, was given up by supervisord, or did not answer in time. What was started is
                still there; `started` names it.
        """
        wait_until(partial(self._all_answer, http), every=POLL_SECONDS)

    def _all_answer(self, http: httpx.Client) -> bool:
        for program in list(self._waiting.values()):
            self._advance(program, http)
        return not self._waiting

    def _advance(self, program: Program, http: httpx.Client) -> None:
        if program.name not in self._watches:
            if program.after not in self._waiting:
                self._begin(program)
            return
        watch = self._watches[program.name]
        state = self._supervisor.states().get(program.name)
        if state and state.state == "RUNNING" and answers(program, state.started, http):
            ran = program.name in self._already
            self._progress(f"{program.name}: {'runs already' if ran else f'answers after {watch.seconds:.1f} s'}{_at(program)}")
            del self._waiting[program.name]
        elif reason := watch.failure(state.state if state else "gone"):
            raise PlatformError(f"{program.name} did not start: {reason}.\n{watch.log.excerpt()}")

    def _begin(self, program: Program) -> None:
        self._watches[program.name] = _Watch(program, self._supervisor, fresh=program.name not in self._already)
        if program.name not in self._already:
            self._progress(f"{program.name}: starting")
            self.started.append(program.name)  # before the call, so that one cut short by Ctrl-C is undone as well
            self._supervisor.add(program)


class _Watch:
    """Since when a program is waited for, and what happened to it since."""

    def __init__(self, program: Program, supervisor: Supervisor, fresh: bool) -> None:
        self._program, self._supervisor = program, supervisor
        self._began = time.monotonic()
        self._exits = len(supervisor.exits(program.name))
        self.log = Mark.now(program.log) if fresh else Mark(program.log)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def failure(self, state: str) -> str | None:
        """Return why waiting on is pointless, if it is."""
        exits = self._supervisor.exits(self._program.name)[self._exits :]
        if state in ("FATAL", "gone", "STOPPED") or len(exits) > EXITS_ALLOWED:
            return f"it exited {len(exits)} times ({exits[-1]})" if exits else f"supervisord says {state}"
        if self.seconds > self._program.timeout:
            return f"it did not answer{_at(self._program)} within {self._program.timeout:.0f} s (supervisord says {state})"
        return None


def _at(program: Program) -> str:
    return f" at {program.url}" if program.url else ""
