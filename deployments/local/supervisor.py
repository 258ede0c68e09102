"""One supervisord for one home folder: starting it, asking it, and ending it with everything it started."""

from __future__ import annotations

import http.client
import logging
import os
import subprocess
import sys
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from deployments.local import configuration
from deployments.local.logs import Mark
from deployments.local.services import WORKER, Program
from slipway.errors import PlatformError
from slipway.retries import wait_until

logger = logging.getLogger(__name__)

GONE = (OSError, http.client.HTTPException)  # what the XML-RPC client raises when nobody is on the other side
START_SECONDS, STOP_SECONDS, RUN_SECONDS, HUNG_SECONDS = 15.0, 30.0, 10.0, 5.0


@dataclass(frozen=True)
class ProgramState:
    """What supervisord says of one program; `started` is 0 if it never ran."""

    state: str
    pid: int | None
    started: float


class Supervisor:
    """The supervisord of one home folder; constructing one starts nothing."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "supervisor"
        self.conf_file = self.folder / "supervisord.conf"
        self.pid_file = self.folder / "supervisord.pid"
        self.log_file = self.folder / "supervisord.log"

    @cached_property
    def socket(self) -> str:
        return f"unix://{configuration.socket_path(self.folder)}"

    @property
    def _rpc(self) -> Any:  # the methods exist on the server only
        """supervisord over a new connection: one whose call was cut short, as by Ctrl-C, would fail at the next call too."""
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=SupervisorTransport(None, None, self.socket)).supervisor

    def process(self) -> psutil.Process | None:
        """Return the living supervisord. A pid file whose process is another program's counts for nothing.

        A supervisord that started on a full disk has an empty pid file, so it is searched for.
        """
        try:
            found = psutil.Process(int(self.pid_file.read_text()))
            return found if str(self.conf_file) in found.cmdline() and found.status() != psutil.STATUS_ZOMBIE else None
        except ValueError:
            return next(iter(self.supervisords()), None)
        except (FileNotFoundError, psutil.NoSuchProcess, psutil.AccessDenied):
            return None

    def supervisords(self) -> list[psutil.Process]:
        """Return every supervisord of this home that lives, also those without a pid file."""
        return [process for process in psutil.process_iter() if self._is_supervisord(process)]

    def states(self) -> dict[str, ProgramState]:
        """Return the programs it has; none if it does not run."""
        if self.process() is None:
            return {}
        try:
            infos = self._rpc.getAllProcessInfo()
        except GONE:  # it died, or has its pid file but not its socket yet
            logger.debug("supervisord in %s does not answer", self.folder, exc_info=True)
            return {}
        return {info["name"]: ProgramState(info["statename"], info["pid"] or None, float(info["start"])) for info in infos}

    def launch(self, environment: Mapping[str, str]) -> None:
        """Start supervisord without programs, detached from the terminal, and return when it answers.

        Raises:
            PlatformError: It did not start; the message holds what it said.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        configuration.write(configuration.base(self.folder), self.conf_file)
        self.log_file.unlink(missing_ok=True)  # restarts are counted in it, from this start
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.conf_file)]
        # Its own session: the terminal's Ctrl-C is not for supervisord.
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, stdin=subprocess.DEVNULL, start_new_session=True
        )
        if done.returncode or not self._appears():
            said = (done.stderr or done.stdout).strip() or Mark(self.log_file).excerpt()
            raise PlatformError(f"supervisord did not start (exit code {done.returncode}):\n{said}\nIts configuration: {self.conf_file}")

    def add(self, program: Program) -> None:
        """Write the program into the configuration, as it is now declared, and start it; others are not touched."""
        self.remove(program.name)
        conf = self._written()
        conf[f"program:{program.name}"] = configuration.section(program)
        configuration.write(conf, self.conf_file)
        self._call("reloadConfig")
        self._call("addProcessGroup", program.name)
        self._call("startProcess", program.name, False)

    def remove(self, name: str) -> None:
        """Stop a program and take it out of the configuration; one that it does not have is no error."""
        conf = self._written()
        if name in self.states():
            self._stop(name)
            self._call("removeProcessGroup", name)
        if conf.remove_section(f"program:{name}"):
            configuration.write(conf, self.conf_file)

    def restart(self, name: str, patience: float = HUNG_SECONDS) -> None:
        """End a program that hangs and start it again: asked first, killed with all its processes after `patience` seconds.

        Raises:
            PlatformError: supervisord does not do it.
        """
        doomed = self.marked(name)
        self._call("stopProcess", name, False)
        _, left = psutil.wait_procs(doomed, timeout=patience)
        for process in left:
            _quietly(process.kill)
        if not wait_until(lambda: self._stopped(name), every=0.1, within=STOP_SECONDS):
            raise PlatformError(f"{name} was killed, and supervisord does not notice; its log: {self.log_file}.")
        self._call("startProcess", name, False)

    def differs(self, program: Program) -> bool:
        """Return whether the program was started from another declaration: another port, folder or Python."""
        written = self._written()
        name = f"program:{program.name}"
        return not written.has_section(name) or dict(written[name]) != configuration.section(program)

    def exits(self, name: str) -> list[str]:
        """Return what supervisord logged at each exit it had not asked for, since it started."""
        phrase = f" exited: {name} ("
        return [line.partition(phrase)[2].rstrip(")") for line in Mark(self.log_file).lines() if phrase in line]

    def end(self) -> bool:
        """Stop everything and return when no process is left, whatever state it was in; False if there was none."""
        doomed = self.everything()
        if self.process() is not None:
            try:
                if worker := self.states().get(WORKER):
                    _end_runs(worker)
                    self._stop(WORKER)
                self._call("stopAllProcesses")
            except (PlatformError, psutil.NoSuchProcess) as error:
                logger.warning("%s; supervisord is ended by signal", error)
        supervisors = [p for p in doomed if self._is_supervisord(p)]
        for process in supervisors:
            _quietly(process.terminate)
        psutil.wait_procs(supervisors, timeout=STOP_SECONDS if supervisors else 0)
        clear([p for p in {*doomed, *self.everything()} if p.is_running()])
        for leftover in (self.pid_file, Path(self.socket.removeprefix("unix://"))):
            leftover.unlink(missing_ok=True)
        return bool(doomed)

    def everything(self) -> list[psutil.Process]:
        """Return every supervisord of this home, all below it, and what an earlier one that was killed left behind."""
        supervisors = self.supervisords()
        return [p for p in {*supervisors, *(c for p in supervisors for c in _below(p)), *self.marked()} if p.pid != os.getpid()]

    def marked(self, name: str | None = None) -> list[psutil.Process]:
        """Return the processes whose environment says that they come from this supervisord (and this program of it)."""
        return [
            p
            for p in psutil.process_iter()
            if (mark := _environment(p)).get("SUPERVISOR_SERVER_URL") == self.socket and name in (None, mark.get("SUPERVISOR_PROCESS_NAME"))
        ]

    def pids(self, name: str) -> set[int]:
        """Return the processes of a program that runs; none if it does not."""
        state = self.states().get(name)
        return {process.pid for process in _family(state.pid)} if state and state.pid else set()

    def is_suspended(self, program: ProgramState) -> bool:
        """Return whether a program's process lives and does not run, as after SIGSTOP."""
        try:
            return program.pid is not None and psutil.Process(program.pid).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return False

    def environment(self) -> dict[str, str]:
        """Return the environment that its programs share; empty if it does not run."""
        process = self.process()
        return _environment(process) if process else {}

    def _is_supervisord(self, process: psutil.Process) -> bool:
        try:
            return process.cmdline()[-4:] == ["-m", "supervisor.supervisord", "-c", str(self.conf_file)]
        except psutil.Error:
            return False

    def _appears(self) -> bool:
        return wait_until(self._answers, every=0.02, within=START_SECONDS)

    def _answers(self) -> bool:
        if self.process() is None:
            return False
        try:
            return bool(self._rpc.getState())
        except GONE:
            logger.debug("supervisord has its pid file, not its socket yet")
            return False

    def _written(self) -> Any:
        conf = configuration.parser()
        conf.read(self.conf_file)
        return conf

    def _stopped(self, name: str) -> bool:
        found = self.states().get(name)
        return found is not None and found.state in ("STOPPED", "EXITED")

    def _stop(self, name: str) -> None:
        self._call("stopProcess", name)

    def _call(self, method: str, *arguments: object) -> None:
        """Call supervisord; stopping what does not run is no error."""
        try:
            getattr(self._rpc, method)(*arguments)
        except GONE as error:
            raise PlatformError(f"supervisord in {self.folder} stopped answering ({error}); its log: {self.log_file}.") from error
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Faults.NOT_RUNNING:
                raise PlatformError(f"supervisord refused {method}{arguments}: {fault.faultString}; its log: {self.log_file}.") from fault


def _end_runs(worker: ProgramState) -> None:
    """Ask the flow runs to end while their worker and Prefect still listen, so that they are shown as crashed.

    A worker that is stopped kills its runs without a report, and the server would go on showing them as running.
    """
    runs = _below(psutil.Process(worker.pid), deep=False) if worker.pid else []
    for run in runs:
        _quietly(run.terminate)
    psutil.wait_procs(runs, timeout=RUN_SECONDS if runs else 0)


def clear(processes: list[psutil.Process]) -> None:
    """End processes that nobody supervises any more: asked first, killed after five seconds."""
    for process in processes:
        _quietly(process.terminate)
    for process in psutil.wait_procs(processes, timeout=5 if processes else 0)[1]:
        _quietly(process.kill)
    psutil.wait_procs(processes, timeout=5 if processes else 0)


def _quietly(signal: Any) -> None:
    try:
        signal()
    except psutil.NoSuchProcess:
        logger.debug("a process ended before it was asked to")


def _below(process: psutil.Process, deep: bool = True) -> list[psutil.Process]:
    try:
        return process.children(recursive=deep)
    except psutil.NoSuchProcess:
        return []


def _family(pid: int) -> list[psutil.Process]:
    """Return a process and all below it; none if it ended."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):  # ended meanwhile, a kernel thread, or another user's
        return {}
