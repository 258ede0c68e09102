"""What is removed or replaced under a running gateway is noticed within a second, and nothing is answered that is not logged."""

from __future__ import annotations

import os
import shutil

import httpx
import pytest

from slipway.access.records import ACCESS
from slipway.audit import AUDIT, Wanted, predictions
from slipway.audit.subjects.key_file import SUBJECTS
from tests.gateway.conftest import OLD, YOUNG

ROW = {"inputs": [YOUNG]}
ABOUT = {"rows": [dict(zip(("Age", "Oldpeak", "Sex"), OLD, strict=True), subject="patient-1")]}


@pytest.fixture
def logging(serving):
    """A running gateway that has logged an answer, and one about a person."""
    assert serving.ask(ROW).is_success
    assert about_a_person(serving).is_success
    return serving


def about_a_person(gateway):
    return httpx.post(f"{gateway.model_url}/predict", json=ABOUT, headers=gateway.bearer)


def ready(gateway):
    return httpx.get(f"{gateway.url}/health/ready")


def test_a_removed_log_ends_answering_until_the_gateway_is_restarted(logging, until):
    for path in (logging.home / AUDIT).parent.glob("audit.db*"):
        path.unlink()

    reply = logging.ask(ROW)  # at once
    assert (reply.status_code, reply.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "the audit log cannot be written, so nothing is answered" in reply.json()["message"]
    assert "retry-after" in reply.headers
    until(lambda: ready(logging).json()["reasons"] == ["the audit log cannot be written: audit.db was removed"], seconds=1.5)
    assert about_a_person(logging).status_code == 503
    assert not (logging.home / AUDIT).exists()

    logging.stop()
    logging.start()
    until(lambda: logging.ask(ROW).is_success)
    assert len(predictions(logging.home, Wanted())) == 1


def test_a_log_that_was_moved_away_and_back_has_every_answer(logging, until):
    (logging.home / AUDIT).rename(logging.home / "elsewhere.db")
    answers = [logging.ask(ROW).status_code for _ in range(5)]
    until(lambda: ready(logging).status_code == 503, seconds=1.5)
    (logging.home / "elsewhere.db").rename(logging.home / AUDIT)
    until(lambda: ready(logging).is_success, seconds=3)
    answers.append(logging.ask(ROW).status_code)

    assert answers == [503] * 5 + [200]
    logging.stop()
    assert len(predictions(logging.home, Wanted())) == 3


def test_other_removed_files_are_reported_and_what_was_loaded_answers(logging, until):
    (folder,) = (path for path in (logging.store / "toy").iterdir() if path.is_dir())
    folder.rename(logging.home / "bundle")
    (logging.home / SUBJECTS).rename(logging.home / "keys")
    until(lambda: len(ready(logging).json()["warnings"]) == 2, seconds=1.5)
    assert ready(logging).json()["warnings"] == [
        f"toy: the bundle {folder.name} was removed; it answers from memory until a restart. "
        "Put it back, release the model again, or roll back to another version.",
        "subjects.json was removed, so requests with subject ids are refused. Put it back from a backup.",
    ]
    assert (logging.ask(ROW).status_code, about_a_person(logging).status_code) == (200, 503)

    (logging.home / "bundle").rename(folder)
    (logging.home / "keys").rename(logging.home / SUBJECTS)

    until(lambda: ready(logging).json()["warnings"] == [], seconds=1.5)
    assert about_a_person(logging).is_success


def test_an_altered_bundle_is_reported(logging, until):
    (folder,) = (path for path in (logging.store / "toy").iterdir() if path.is_dir())
    shutil.copy(folder / "model.onnx", logging.home)
    (folder / "model.onnx").unlink()

    until(lambda: "was altered" in str(ready(logging).json()["warnings"]), seconds=1.5)


def test_a_removed_access_file_is_a_reason_not_to_be_ready(logging, until):
    (logging.home / ACCESS).rename(logging.home / "access")

    until(lambda: "access.json was removed" in str(ready(logging).json()["reasons"]), seconds=1.5)
    assert logging.ask(ROW).status_code == 401
    assert "access.json was removed" in logging.log()

    (logging.home / "access").rename(logging.home / ACCESS)
    until(lambda: logging.ask(ROW).is_success, seconds=1)
    until(lambda: ready(logging).is_success, seconds=1.5)


@pytest.mark.parametrize(
    ("file", "status", "field", "said"),
    [
        (ACCESS, 503, "reasons", "access.json is damaged, so all requests are refused"),
        ("ledger.db", 200, "warnings", "ledger.db was replaced by another file"),
    ],
)
def test_a_pipe_in_the_place_of_a_file_holds_up_nobody(logging, until, file, status, field, said):
    path = logging.home / file
    logging.stop()
    path.touch()
    logging.start()
    until(lambda: ready(logging).is_success)  # which looks at it for the first time
    path.rename(logging.home / "aside")
    os.mkfifo(path)

    until(lambda: said in str(ready(logging).json()[field]), seconds=2)
    assert logging.ask(ROW).status_code == status
    assert httpx.get(f"{logging.url}/models/toy/ping", timeout=2).is_success

    path.unlink()
    (logging.home / "aside").rename(path)
    until(lambda: logging.ask(ROW).is_success, seconds=2)
    assert logging.stop() == 0


def test_a_removed_pointer_takes_its_model_out_of_service_and_no_other(logging, bundles, until, free_port):
    logging.serve(bundles["words-1"], "words", free_port())
    pointer = logging.store / "toy" / "active.json"
    pointer.rename(logging.home / "pointer")

    until(lambda: httpx.get(f"{logging.url}/models/toy", headers=logging.bearer).status_code == 404, seconds=1)
    assert "toy is out of service" in logging.log()
    assert logging.status("words")["version"] == 1

    (logging.home / "pointer").rename(pointer)
    until(lambda: logging.ask(ROW).is_success, seconds=5)


def test_a_removed_or_replaced_ledger_is_a_warning_and_what_was_loaded_answers(logging, until):
    ledger = logging.home / "ledger.db"
    logging.stop()
    ledger.touch()
    logging.start()
    until(lambda: ready(logging).is_success)  # which looks at it for the first time

    ledger.rename(logging.home / "elsewhere")
    until(lambda: "ledger.db was removed. It says what is in service and why" in str(ready(logging).json()["warnings"]), seconds=1.5)
    ledger.touch()  # of the next command, which finds none
    until(lambda: "ledger.db was replaced by another file" in str(ready(logging).json()["warnings"]), seconds=1.5)
    assert (ready(logging).status_code, logging.ask(ROW).status_code) == (200, 200)

    (logging.home / "elsewhere").rename(ledger)
    until(lambda: ready(logging).json()["warnings"] == [], seconds=1.5)
