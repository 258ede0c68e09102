"""The local platform as one thing: up, down, status."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import httpx
from filelock import FileLock

from deployments.local import services
from deployments.local.answering import answers, client
from deployments.local.credentials import ensure_api_key
from deployments.local.logs import Mark
from deployments.local.services import ALL, Program
from deployments.local.starting import Progress, Start
from deployments.local.supervisor import ProgramState, Supervisor, clear
from slipway.errors import PlatformError
from slipway.files.storage import require_storage
from slipway.lifecycle.ports import check_free, conflict, model_need
from slipway.retries import wait_until
from slipway.settings import Settings

logger = logging.getLogger(__name__)

UNDO_SECONDS = 15.0  # for supervisord to take out a program that it is starting

ALIVE = ("STARTING", "RUNNING")
WORDS = {"EXITED": "failed", "FATAL": "failed", "BACKOFF": "restarting"}


@dataclass(frozen=True)
class ServiceStatus:
    """One program, as a person wants to see it. `reason` is empty when it runs and answers."""

    name: str
    state: str
    answering: bool
    pid: int | None
    url: str | None
    uptime_seconds: float | None
    restarts: int
    reason: str


def up(
    settings: Settings,
    *,
    programs: Sequence[str] = ALL,
    model_ports: Mapping[str, int] | None = None,
    on_progress: Progress = logger.info,
) -> list[ServiceStatus]:
    """Start those of `programs` that do not run, and return when all of them answer; running ones are not touched.

    After a failure or Ctrl-C, the programs that this call started are stopped again; those that ran before still run.

    Args:
        model_ports: The port of each model that the gateway is to serve on a port of its own. Ports of other models may be taken.
        on_progress: Is given a line when a program is started and when it answers.
    Raises:
        PortTakenError: Another program has a port, or a port is set twice; nothing was started.
        PlatformError: A program did not start or answer, or it runs with other settings than these.
        StorageError: The home folder cannot be written, or its disk is nearly full.
    """
    require_storage(settings.home)
    supervisor = Supervisor(settings.home)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in (supervisor.folder, settings.home / "logs", settings.home / "prefect", settings.mlflow_artifacts):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(supervisor.folder / "up.lock"):
        known = services.programs(settings, model_ports or {})
        wanted = {name: known[name] for name in programs}
        already = {name for name in wanted if _lives(supervisor, name)}
        _refuse_other_settings(supervisor, [wanted[name] for name in already])
        _bring_up(supervisor, settings, wanted, already, on_progress)
    return [found for found in status(settings) if found.name in wanted]


def require_usable(settings: Settings, programs: Sequence[str], model_ports: Mapping[str, int] | None = None) -> None:
    """Refuse programs that run with other settings than these, or that cannot have a port they will need.

    Raises:
        PortTakenError: Another program has a model's port, or the port is set twice.
        PlatformError: A program runs with other settings than these.
    """
    supervisor = Supervisor(settings.home)
    known = services.programs(settings, model_ports or {})
    _refuse_other_settings(supervisor, [known[name] for name in programs])
    for name in programs:
        check_free(known[name].needs, ours=supervisor.pids(name))


def taken_ports(settings: Settings, model_ports: Mapping[str, int]) -> list[str]:
    """Return which of these models cannot have their ports now, a line each, with the program that has the port."""
    needs = [model_need(name, port, settings) for name, port in model_ports.items()]
    return [line for need in needs if (line := conflict(need))]


def down(settings: Settings) -> bool:
    """Stop the platform and return when none of its processes is left, also if supervisord was killed; False if nothing ran.

    Raises:
        PlatformError: It was called by a program of the platform, which would end itself half-way.
    """
    supervisor = Supervisor(settings.home)
    if os.environ.get("SUPERVISOR_SERVER_URL") == supervisor.socket:
        raise PlatformError("The platform cannot be stopped by a program that it runs; run `slipway down` in a terminal.")
    return supervisor.end()


def status(settings: Settings) -> list[ServiceStatus]:
    """Return the state of every program; asks each running one whether it answers (2 s at most)."""
    with client(settings) as http:
        return ask(settings, http)


def ask(settings: Settings, http: httpx.Client) -> list[ServiceStatus]:
    """Do the same over a client that the caller keeps, for repeated checks."""
    supervisor = Supervisor(settings.home)
    states = supervisor.states()
    return [_status(p, states.get(p.name), supervisor, http) for p in services.programs(settings, {}).values()]


def running(settings: Settings) -> set[str]:
    """Return the names of the programs that run now; cheap, and asks none of them."""
    return {name for name, found in Supervisor(settings.home).states().items() if found.state in ALIVE}


def is_up(settings: Settings, programs: Sequence[str] = ALL) -> bool:
    """Return whether all of these programs run; `status` says whether they answer."""
    return running(settings).issuperset(programs)


def _lives(supervisor: Supervisor, name: str) -> bool:
    found = supervisor.states().get(name)
    return found is not None and found.state in ALIVE


def _refuse_other_settings(supervisor: Supervisor, running_programs: Sequence[Program]) -> None:
    if changed := [program.name for program in running_programs if supervisor.differs(program)]:
        raise PlatformError(
            f"{', '.join(changed)} of {supervisor.folder.parent} runs with other settings (ports, folder or Python) than these. "
            "Run `slipway down` first, then `slipway up`."
        )


def _bring_up(supervisor: Supervisor, settings: Settings, wanted: Mapping[str, Program], already: set[str], progress: Progress) -> None:
    missing = [program for name, program in wanted.items() if name not in already]
    launched = supervisor.process() is None
    environment = services.inherited(settings, os.environ)
    if launched and supervisor.supervisords():  # it lost its pid file, and would go on restarting programs whose ports a second one needs
        supervisor.end()
    if not launched:
        _mention_changed_settings(supervisor, environment, progress)
    for program in missing:  # an orphan of a program that was killed would keep its port
        clear([] if program.name in supervisor.states() else supervisor.marked(program.name))
    check_free([need for program in missing for need in program.needs])
    start = Start(supervisor, wanted, already, progress)
    try:
        if services.GATEWAY in wanted:
            ensure_api_key(settings)
        if launched:
            supervisor.launch(environment)
        with client(settings) as http:
            start.run(http)
    except BaseException:  # also Ctrl-C: nothing half-started stays
        progress("stopping again what was started")
        _undo(supervisor, start.started, launched)
        raise


def _undo(supervisor: Supervisor, started: Sequence[str], launched: bool) -> None:
    if launched:
        supervisor.end()
        return
    for name in reversed(started):
        try:  # again and again: supervisord refuses while it still starts the program
            wait_until(partial(_removed, supervisor, name), every=0.2, within=UNDO_SECONDS, despite=PlatformError)
        except (PlatformError, OSError) as error:  # a full disk: the program is stopped, and the others have to be as well
            logger.warning("%s is still in %s: %s", name, supervisor.conf_file, error)


def _removed(supervisor: Supervisor, name: str) -> bool:
    supervisor.remove(name)
    return True


def _mention_changed_settings(supervisor: Supervisor, wanted: Mapping[str, str], progress: Progress) -> None:
    found = supervisor.environment()
    names = {name for name in {*found, *wanted} if name.startswith("SLIPWAY_") and found.get(name) != wanted.get(name)}
    if names:
        progress(f"{', '.join(sorted(names))} changed since the platform was started; `slipway down`, then `slipway up`, applies it")


def _status(program: Program, found: ProgramState | None, supervisor: Supervisor, http: httpx.Client) -> ServiceStatus:
    alive = found is not None and found.state in ALIVE
    answering = found is not None and alive and not supervisor.is_suspended(found) and answers(program, found.started, http)
    return ServiceStatus(
        name=program.name,
        state=WORDS.get(found.state, found.state.lower()) if found else "stopped",
        answering=answering,
        pid=found.pid if found and alive else None,
        url=program.url,
        uptime_seconds=max(0.0, time.time() - found.started) if found and alive else None,
        restarts=len(supervisor.exits(program.name)),
        reason="" if answering else _reason(program, found, supervisor),
    )


def _reason(program: Program, found: ProgramState | None, supervisor: Supervisor) -> str:
    if found is None:
        killed = supervisor.process() is None and supervisor.pid_file.exists()
        return ("supervisord was killed" if killed else "not started") + "; `slipway up` starts it"
    if found.state in ALIVE and supervisor.is_suspended(found):
        return f"its process {found.pid} is suspended (SIGSTOP); `kill -CONT {found.pid}` continues it"
    if found.state in ALIVE and supervisor.differs(program):
        return "it runs with other settings than these; `slipway down`, then `slipway up`, applies them"
    exits = supervisor.exits(program.name)
    what = f"exited ({exits[-1]})" if exits and found.state not in ALIVE else "does not answer yet" if found.state in ALIVE else "stopped"
    last = Mark(program.log).lines()[-1:]
    return f"{what}; last log line: {last[0].strip()}" if last else what
