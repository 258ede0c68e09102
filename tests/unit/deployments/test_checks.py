"""The checks of `slipway status` that ask this machine; those that ask Prefect are in tests/flows/test_deploying.py."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from deployments.checks import every, machine, service
from deployments.checks.finding import Asked, Finding
from deployments.cli import app
from deployments.server.prefect_api import PrefectServer
from slipway.audit import record_act
from slipway.audit.acts import myself
from slipway.catalogue import catalogue
from slipway.settings import Settings


def asked(settings: Settings, *answering: str) -> Asked:
    return Asked(settings, frozenset(answering), PrefectServer(f"{settings.prefect_url}/api", 1.0))


def certificate(path: Path, days: float) -> Path:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.example")])
    end = datetime.now(UTC) + timedelta(days=days, hours=1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    signed = made.not_valid_before(end - timedelta(days=100)).not_valid_after(end).sign(key, hashes.SHA256())
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("days", "state", "reason"),
    [(90, "well", "mine.pem ends in 90 days"), (3, "wrong", "mine.pem ends in 3 days"), (-3, "wrong", "mine.pem ended 3 days ago")],
)
def test_a_certificate_that_ends_within_two_weeks_needs_a_person(tmp_path, days, state, reason):
    path = certificate(tmp_path / "mine.pem", days)
    settings = Settings(home=tmp_path / "home", tls_certificate=path, tls_key=path)

    found = machine.certificates(asked(settings))

    assert (found.state, found.mend) == (state, "" if state == "well" else f"cp NEW_CERTIFICATE {path}")
    assert found.reason.endswith(reason)


def test_a_certificate_of_slipways_own_is_renewed_by_slipway_and_one_that_is_none_is_named(tmp_path):
    path = certificate(tmp_path / "mine.pem", 1)
    found = machine.certificates(asked(Settings(home=tmp_path, tls_certificate=path, tls_key=path)))
    assert found.mend == "slipway certs --renew"

    path.write_text("no certificate")
    found = machine.certificates(asked(Settings(home=tmp_path, tls_certificate=path, tls_key=path)))
    assert found.reason == f"{path} cannot be read: it has no certificate in the PEM format"
    assert machine.certificates(asked(Settings(home=tmp_path))) == Finding("well", "TLS is off")


def test_a_disk_with_less_room_than_a_release_needs_calls_a_person(tmp_path, monkeypatch):
    found = asked(Settings(home=tmp_path / "not" / "yet"))
    assert machine.disk(found).reason.endswith(f"GiB are free at {tmp_path / 'not' / 'yet'}")

    monkeypatch.setattr(machine, "LEAST_FREE", 2**80)  # no disk has so much

    assert machine.disk(found).state == "wrong"
    assert machine.disk(found).mend.startswith("du ")


def test_an_audit_log_that_is_gone_or_damaged_needs_a_person(tmp_path):
    settings = Settings(home=tmp_path)
    assert service.audit_log(asked(settings)) == Finding("well", "nothing was logged yet")

    gone = service.audit_log(asked(settings, "gateway"))
    assert (gone.state, gone.mend) == ("wrong", "slipway down && slipway up")
    assert gone.reason == f"{tmp_path / 'gateway' / 'audit.db'} is gone, although the gateway runs"

    record_act(tmp_path, myself(), "try", "a log")
    assert service.audit_log(asked(settings, "gateway")).state == "well"
    with sqlite3.connect(tmp_path / "gateway" / "audit.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    for path in (tmp_path / "gateway").glob("audit.db*"):
        path.write_bytes(b"this is no database " * 500)
    assert service.audit_log(asked(settings, "gateway")).state == "wrong"


def test_a_model_file_that_is_left_out_needs_a_person_and_the_command_that_lists_its_lines(tmp_path, monkeypatch):
    assert service.model_files(asked(Settings(home=tmp_path))).state == "well"

    monkeypatch.setitem(catalogue().left_out, "ward-stay", "ward_stay.py, line 3: port='8001' is a text")
    found = service.model_files(asked(Settings(home=tmp_path)))

    assert found == Finding("wrong", "ward_stay.py, line 3: port='8001' is a text", "slipway check")


def test_what_does_not_answer_is_unknown_and_stops_no_other_check(tmp_path, dead_url):
    settings = Settings(home=tmp_path, prefect_port=int(dead_url.rsplit(":", 1)[1]))

    stopped, silent = every.findings(settings, []), every.findings(settings, ["prefect"])

    assert list(stopped) == list(every.CHECKS)
    assert {stopped[name] for name in every.OF_PREFECT} == {Finding("unknown", "Prefect does not answer", "slipway up")}
    assert {silent[name].state for name in every.OF_PREFECT} == {"unknown"}
    assert "does not answer at" in silent["work pool"].reason
    assert stopped["disk"].state == "well"


def test_every_check_is_described():
    described = (Path(__file__).parents[3] / "docs" / "operating.md").read_text()

    cells = [line.split("|")[1] for line in described.splitlines() if line.startswith("| ")]
    assert set(every.CHECKS) <= {name.strip() for cell in cells for name in cell.split(",")}


def test_json_has_the_same_facts_and_a_program_that_does_not_run_is_exit_status_1(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path))

    ran = CliRunner().invoke(app, ["status", "--json"])

    assert ran.exit_code == 1
    lines = {one["name"]: one for one in json.loads(ran.stdout)}
    assert {"name", "state", "reason", "mend"} == set(lines["disk"])
    assert lines["gateway"]["mend"] == "slipway up"
    assert set(lines) == {"prefect", "mlflow", "worker", "gateway", "watchman", *every.CHECKS}
