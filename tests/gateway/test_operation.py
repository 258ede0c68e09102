"""What an operator sees: metrics, health and logs; and several workers, one of which may end unnoticed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from slipway.audit import AuditLog
from slipway.errors import PortTakenError
from slipway.gateway import logs
from slipway.gateway.configuration import Configuration
from slipway.gateway.health import writable
from slipway.gateway.metrics.counts import Counts, Metrics
from slipway.gateway.metrics.declarations import AUDIT_LINES, METRICS, REFUSALS, REQUEST_SECONDS, REQUESTS, ROWS
from slipway.gateway.metrics.exposition import text
from slipway.gateway.metrics.watch_gauges import GAUGES
from slipway.gateway.network.headers import security
from slipway.gateway.parts import make
from slipway.gateway.versions.fleet import Failure, ServedFleet
from slipway.gateway.workers.state import FOLDER, SWITCHING, State, WorkerStates
from slipway.lifecycle.ports import PortNeed, check_free, gateway_processes
from slipway.settings import Settings
from tests.support.disks import small_disk

ROW = [30, 0.0, "F"]


class StillFleet(ServedFleet):
    """A fleet that follows nothing: the test says what is in service."""

    def __init__(self, **installations):
        super().__init__(None, {})
        self.serve(**installations)

    def serve(self, **installations):
        contract = SimpleNamespace(version=3, run_id="a" * 32)
        self._installed = set(installations)
        self._deployments = {
            model: SimpleNamespace(installation=installation, contract=contract, port=1)
            for model, installation in installations.items()
            if installation
        }

    def fail(self, model):
        self._installed.add(model)
        self._failures[model] = Failure("i-9", "it does not answer as measured")

    def status(self, model):
        deployment, failure = self._deployments.get(model), self._failures.get(model)
        error = failure and {"installation": failure.installation, "message": failure.message}
        return {"model": model, "installation": deployment and deployment.installation, "error": error}


class Samples(dict):
    """Samples as Prometheus reads them; `samples[name, label, ...]` takes the values of the labels in any order."""

    def __init__(self, exposed: bytes) -> None:
        families = text_string_to_metric_families(exposed.decode())
        super().__init__({(s.name, frozenset(s.labels.values())): s.value for family in families for s in family.samples})

    def __getitem__(self, key: tuple[str, ...]) -> float:
        return super().__getitem__((key[0], frozenset(key[1:])))


def configured(home, **other) -> Configuration:
    (home / "gateway").mkdir(exist_ok=True)
    return Configuration(home=str(home), bundles=str(home), address="127.0.0.1", port=1, model_ports={}, **other)


@pytest.fixture
def made():
    """Make the parts of a worker, with a real audit log."""
    with contextlib.ExitStack() as ending:

        def make_with_log(configuration, fleet):
            log = AuditLog(Path(configuration.home))
            ending.callback(log.close)
            return make(configuration, fleet, log)

        yield make_with_log


def test_prometheus_reads_the_counts(made, tmp_path):
    parts = made(configured(tmp_path), StillFleet(toy="i-1"))
    for seconds in (0.0004, 0.002, 0.2, 20.0):
        parts.metrics.add(REQUESTS, 1, "toy", "invocations", 200)
        parts.metrics.observe(REQUEST_SECONDS, seconds, "toy")
    parts.metrics.add(REQUESTS, 1, "", "models", 401)
    parts.metrics.add(ROWS, 7, "toy")
    parts.metrics.add(REFUSALS, 1, "UNAUTHENTICATED")
    parts.metrics.add(AUDIT_LINES, 7)

    reply = asyncio.run(parts.exposition())

    found = Samples(reply.body)
    assert reply.content_type.startswith(b"text/plain; version=0.0.4")
    assert found["slipway_requests_total", "0", "toy", "invocations", "200"] == 4
    assert found["slipway_requests_total", "0", "", "models", "401"] == 1
    assert found["slipway_rows_total", "0", "toy"] == 7
    assert found["slipway_refusals_total", "0", "UNAUTHENTICATED"] == 1
    assert (found["slipway_audit_lines_total", "0"], found["slipway_audit_dropped_total", "0"]) == (7, 0)
    assert found["slipway_model_info", "0", "toy", "3", "a" * 32] == 1
    assert found["slipway_ready", "0"] == 1
    assert (found["slipway_in_flight", "0"], found["slipway_queue_depth", "0"]) == (0, 0)
    buckets = [found["slipway_request_seconds_bucket", "0", "toy", bound] for bound in ("0.0005", "0.0025", "0.25", "10.0", "+Inf")]
    assert buckets == [1, 2, 3, 3, 4]
    assert found["slipway_request_seconds_count", "0", "toy"] == 4
    assert found["slipway_request_seconds_sum", "0", "toy"] == pytest.approx(20.2024)


def test_a_metric_that_is_declared_is_shown():
    shown = [family.name for family in text_string_to_metric_families(text({"0": Metrics().counts()}, {}).decode())]

    assert shown == [f"slipway_{metric.name}" for metric in (*METRICS, *GAUGES)]


def test_every_worker_has_series_of_its_own():
    first, second = Metrics(), Metrics()
    first.add(ROWS, 2, "toy")
    second.add(ROWS, 5, "toy")

    found = Samples(text({"0": first.counts(), "1": second.counts()}, {}))

    assert (found["slipway_rows_total", "0", "toy"], found["slipway_rows_total", "1", "toy"]) == (2, 5)


def test_counting_one_answer_costs_microseconds():
    metrics = Metrics()
    started = time.process_time()
    for _ in range(20_000):
        metrics.add(REQUESTS, 1, "toy", "invocations", 200)
        metrics.observe(REQUEST_SECONDS, 0.001, "toy")
        metrics.add(ROWS, 1, "toy")
        metrics.add(AUDIT_LINES, 1)
    microseconds = (time.process_time() - started) / 20_000 * 1e6

    print(f"counting one answer: {microseconds:.1f} microseconds")
    assert microseconds < 50


def test_metrics_and_health_show_the_end_of_the_certificate(made, tmp_path):
    from slipway.certificates import trial

    pair = trial.server(tmp_path / "certificates")
    parts = made(configured(tmp_path, tls_certificate=str(pair.certificate), tls_key=str(pair.key)), StillFleet())

    assert Samples(text(parts.workers.counts(), {}))["slipway_certificate_seconds_left", "0"] == pytest.approx(397 * 86_400, abs=60)
    pair.certificate.write_text("damaged")
    parts.certificate.refresh()

    found = Samples(text(parts.workers.counts(), {}))
    assert (found["slipway_certificate_damaged", "0"], found["slipway_ready", "0"]) == (1, 1)
    parts.health._looked = 0
    assert "the new certificate cannot be used" in json.loads(parts.health.ready().body)["warnings"][0]
    assert (b"strict-transport-security", b"max-age=31536000") in parts.security
    assert not [name for name, _ in security(False) if name == b"strict-transport-security"]


def test_ready_only_when_every_installed_model_is_loaded(made, tmp_path):
    fleet = StillFleet(toy="i-1", words=None)
    health = made(configured(tmp_path), fleet).health

    reply = health.ready()
    assert (reply.status, json.loads(reply.body)["reasons"]) == (503, ["words is being loaded"])
    assert health.live().status == 200

    fleet.serve(toy="i-1", words="i-2")
    fleet.fail("words")  # a later installation: what was there answers still
    health._looked = 0
    reply = health.ready()
    assert (reply.status, json.loads(reply.body)["warnings"]) == (
        200,
        ["words: its latest installation failed; the version before it answers"],
    )

    fleet.fail("third")
    health._looked = 0
    assert json.loads(health.ready().body)["reasons"] == ["third could not be loaded"]


def test_not_ready_when_the_audit_log_has_no_place(made, tmp_path):
    configuration = configured(tmp_path)
    (tmp_path / "gateway").rmdir()

    reply = made(configuration, StillFleet()).health.ready()

    assert reply.status == 503
    assert "the audit log's folder gateway cannot be" in json.loads(reply.body)["reasons"][0]


def test_not_ready_when_the_disk_of_the_audit_log_is_nearly_full(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        assert writable(disk.folder)() is None
        disk.fill()

        assert writable(disk.folder)() == "the audit log's disk has 0 MB left, less than 32"


@pytest.fixture
def logged(capsys):
    """Return what was written to the log, as lines."""
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level = root.level
    yield lambda: capsys.readouterr().err.splitlines()
    root.handlers[:] = before
    root.setLevel(level)


def test_json_lines_name_their_request_and_quote_no_row(logged):
    logs.configure("json")
    token = logs.request_id.set("0123abcd")
    cell = "Ann Smith, HIV positive"
    try:
        float(cell)
    except ValueError:
        logging.getLogger("slipway.gateway").exception("request %s failed", "0123abcd")
    logs.request_id.reset(token)
    logging.getLogger("slipway.gateway").info("ready")

    failed, ready = (json.loads(line) for line in logged())

    assert (failed["level"], failed["logger"], failed["request_id"]) == ("ERROR", "slipway.gateway", "0123abcd")
    assert "Smith" not in json.dumps(failed)
    assert "test_operation.py" in failed["error"]
    assert failed["error"].endswith("builtins.ValueError (its message is left out: it may quote a row)")
    assert failed["time"].endswith("+00:00")
    assert (ready["message"], "request_id" in ready) == ("ready", False)


def test_text_lines_also_quote_no_row_but_show_the_systems_message(logged):
    logs.configure("text")
    for error in (ValueError("Ann Smith"), OSError(28, "No space left on device")):
        try:
            raise error
        except Exception:
            logging.getLogger("slipway.gateway").exception("failed")

    lines = "\n".join(logged())

    assert "Smith" not in lines
    assert "No space left on device" in lines


def test_all_workers_must_have_switched_before_a_model_s_status_says_so(tmp_path):
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    fleets = [StillFleet(toy="old"), StillFleet(toy="old")]
    first, second = (WorkerStates(folder, fleet, lambda: Metrics().counts(), number, 2) for number, fleet in enumerate(fleets))

    def agreed() -> str | None:
        return first.agreed(fleets[0].status("toy"))["installation"]

    assert agreed() == SWITCHING  # the other one has not written yet
    second._write(second._own())
    assert (agreed(), first.switched("toy", "old")) == ("old", True)

    fleets[0].serve(toy="new")
    assert (agreed(), first.switched("toy", "new")) == (SWITCHING, False)
    fleets[1].serve(toy="new")
    second._write(second._own())
    assert (agreed(), first.switched("toy", "new")) == ("new", True)

    fleets[0].serve()
    assert (agreed(), first.switched("toy", None)) == (SWITCHING, False)
    fleets[1].fail("toy")
    second._write(second._own())
    assert first.agreed(fleets[0].status("toy"))["error"]["installation"] == "i-9"


def test_a_lockout_of_any_worker_is_shown_by_each_until_it_is_over(tmp_path):
    folder, later = tmp_path / FOLDER, time.time() + 300
    folder.mkdir(parents=True)
    locked = [{"anna": later, "bert": 1.0}, {"anna": later - 60, "carl": later}]
    first, second = (WorkerStates(folder, StillFleet(), lambda: Metrics().counts(), number, 2, locked[number].copy) for number in range(2))
    second._write(second._own())

    assert first.locked() == {"anna": later, "carl": later}
    assert second.locked() == {"anna": later - 60, "carl": later}  # the first one has not written yet


def test_one_worker_needs_no_files(tmp_path):
    states = WorkerStates(tmp_path / FOLDER, StillFleet(toy="old"), lambda: Metrics().counts())

    assert states.agreed({"model": "toy", "installation": "old", "error": None})["installation"] == "old"
    assert states.switched("toy", "old")
    assert not (tmp_path / FOLDER).exists()


@pytest.fixture
def workers(cold_gateway, bundles, until):
    """A gateway of two workers that answer with `toy`; `children()` are their process ids."""
    (cold_gateway.home / ".env").write_text("SLIPWAY_GATEWAY_WORKERS=2\n")
    cold_gateway.point_at(bundles["toy-1"])
    cold_gateway.start()
    until(lambda: all(state and state.installations.get("toy") for state in states(cold_gateway)), seconds=30)
    cold_gateway.children = lambda: [child.pid for child in psutil.Process(cold_gateway.process.pid).children()]
    return cold_gateway


def states(gateway) -> list[State | None]:
    import msgspec

    folder = gateway.home / FOLDER
    paths = [folder / f"{number}.json" for number in range(2)]
    return [msgspec.json.decode(path.read_bytes(), type=State) if path.exists() else None for path in paths]


def test_the_port_of_a_model_is_the_gateways_also_with_several_workers(workers, until):
    workers.stop()
    workers.start(forked=False)  # its command line shows what it is
    until(lambda: len(workers.children()) == 2 and workers.ask({"inputs": [ROW]}).is_success, seconds=30)
    settings = Settings(home=workers.home, gateway_port=workers.port)
    need = PortNeed(workers.model_port, "the model toy", "SLIPWAY_MODEL_PORTS")

    assert {*workers.children(), workers.process.pid} <= gateway_processes(settings)
    check_free([need], ours=gateway_processes(settings))
    with pytest.raises(PortTakenError, match="which the model toy needs, is held by"):
        check_free([need])


def test_two_workers_share_the_ports_and_one_that_is_killed_comes_back(workers, until):
    before = workers.children()
    assert len(before) == 2
    for _ in range(20):
        assert workers.ask({"inputs": [ROW]}).json() == {"predictions": [0]}

    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(set(workers.children()) - set(before)) == 1, seconds=10)
    until(lambda: all(state and state.installations.get("toy") for state in states(workers)), seconds=20)

    for _ in range(20):
        assert workers.ask({"inputs": [ROW]}).json() == {"predictions": [0]}
    assert "ended with status -9 and is started again" in workers.log()
    assert workers.stop() == 0
    assert not [pid for pid in before if psutil.pid_exists(pid)]


def test_a_new_version_reaches_both_workers_and_both_report_it(workers, bundles, until):
    pointer = workers.point_at(bundles["toy-2"])

    until(lambda: [state and state.installations["toy"] for state in states(workers)] == [pointer.installation] * 2)

    for _ in range(20):
        assert workers.ask({"inputs": [ROW]}).json() == {"predictions": [1]}


def test_workers_end_when_their_parent_is_killed(workers, until):
    children = workers.children()

    workers.stop(signal.SIGKILL)

    until(lambda: not [pid for pid in children if psutil.pid_exists(pid)], seconds=10)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", workers.port))


def test_both_workers_hear_of_a_taken_model_port_and_take_it_when_it_is_free(workers, bundles, listening, until):
    holder = listening()
    pointer = workers.point_at(bundles["toy-2"], holder.getsockname()[1])
    until(lambda: all(state.errors.get("toy", {}).get("installation") == pointer.installation for state in states(workers)))
    assert "(process " in states(workers)[0].errors["toy"]["message"]

    holder.close()

    until(lambda: all(state.installations["toy"] == pointer.installation for state in states(workers)), seconds=15)


def test_a_withdrawn_model_closes_its_port_in_every_worker(workers, until):
    workers.withdraw("toy")

    def refuses() -> bool:
        try:
            httpx.get(f"{workers.model_url}/ping")
        except httpx.ConnectError:
            return True
        return False

    until(refuses)


def test_counts_are_plain_numbers_that_other_workers_can_read():
    import msgspec

    metrics = Metrics()
    metrics.add(REQUESTS, 1, "toy", "invocations", 200)
    metrics.observe(REQUEST_SECONDS, 0.5, "toy")

    assert msgspec.json.decode(msgspec.json.encode(metrics.counts()), type=Counts) == metrics.counts()
    assert "prometheus_client" in sys.modules  # here; the gateway imports it when it is first asked
