"""A bundle is rehearsed in its own gateway, which leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import psutil
import pytest

from slipway.bundle.reading import read
from slipway.bundle.writing import write
from slipway.errors import ServingError
from slipway.lifecycle.rehearsal import private_gateway, rehearse


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Where temporary folders are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def gateways(starter: int | None = None) -> list[psutil.Process]:
    children = psutil.Process(starter).children(recursive=True)
    return [child for child in children if "slipway.gateway.rehearsing" in " ".join(child.cmdline())]


def test_a_good_bundle_answers_as_measured_and_nothing_is_left(toy, bundles, scratch):
    bundle = read(bundles["toy-2"])

    report = rehearse(toy, bundle)

    assert (report.probes, report.refused, report.endpoint.version) == (len(bundle.probe.rows), 3, 2)
    assert report.endpoint.url.startswith("http://127.0.0.1:")
    assert not list(scratch.iterdir())
    assert not gateways()


def test_settings_of_the_real_gateway_are_not_the_rehearsals(toy, bundles, monkeypatch):
    """Else the rehearsal would ask for the real ports, count with the real limits and write into the real audit log."""
    monkeypatch.setenv("SLIPWAY_RATE_PER_CALLER", "1/hour")
    monkeypatch.setenv("SLIPWAY_AUDIT_URL", "postgresql://127.0.0.1:1/nowhere")
    monkeypatch.setenv("SLIPWAY_GATEWAY_PORT", "1")
    monkeypatch.setenv("SLIPWAY_MODEL_PORTS", '{"toy": 1}')

    report = rehearse(toy, read(bundles["toy-1"]))

    assert report.probes > 0
    assert ":1/" not in report.endpoint.url


def test_a_bundle_that_does_not_answer_as_measured_fails_with_the_gateways_words(toy, bundles, tmp_path, scratch):
    whole = read(bundles["toy-1"])
    flipped = msgspec.structs.replace(whole.probe, labels=[1 - label for label in whole.probe.labels])
    broken = write(tmp_path / "broken", dict(whole.files), whole.contract, flipped)

    with pytest.raises(ServingError, match="the model does not answer as it was measured, at probe row 0"):
        rehearse(toy, broken)

    assert not list(scratch.iterdir())
    assert not gateways()


def test_a_gateway_that_does_not_start_is_reported_with_its_last_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(_program_that_fails(tmp_path)))

    with pytest.raises(ServingError, match="ended with status 3:\nno such luck"), private_gateway(tmp_path):
        pytest.fail("it cannot have started")


def test_it_ends_with_its_starter_even_when_that_is_killed_and_leaves_no_rows(tmp_path, until):
    code = "import sys, pathlib, time; from slipway.lifecycle.rehearsal import private_gateway\n"
    code += "with private_gateway(pathlib.Path(sys.argv[1])): print('runs', flush=True); time.sleep(600)"
    (tmp_path / "home").mkdir()
    starter = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "home")], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    assert starter.stdout.readline() == "runs\n"
    (gateway,) = gateways(starter.pid)

    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()

    until(lambda: not gateway.is_running() or gateway.status() == psutil.STATUS_ZOMBIE, what="the gateway has ended as well")
    assert not (tmp_path / "home").exists()  # its audit log has rows, and nobody else would remove it


def _program_that_fails(folder: Path) -> Path:
    program = folder / "python"
    program.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    program.chmod(0o700)
    return program
