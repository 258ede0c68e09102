"""The same requests to a real `mlflow models serve` and to the gateway, both with the same version of heart-failure."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zlib
from pathlib import Path

import httpx
import pytest

from tests.support.mlflow_bodies import bodies

NAMES = [
    *("Age", "Sex", "ChestPainType", "RestingBP", "Cholesterol", "FastingBS"),
    *("RestingECG", "MaxHR", "ExerciseAngina", "Oldpeak", "ST_Slope"),
]
ILL = [60, "M", "ASY", 160, 301, 1, "LVH", 82, "Y", 2.9, "Flat"]
WELL = [40, "F", "ATA", 120, 180, 0, "Normal", 170, "N", 0.0, "Up"]
JSON, CSV = "application/json", "text/csv"
DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"


def record(row=ILL, **changes):
    return dict(zip(NAMES, row, strict=True)) | changes


def without(name):
    return {key: value for key, value in record().items() if key != name}


def split(*rows, names=NAMES, **more):
    return {"dataframe_split": {"columns": names, "data": list(rows)} | more}


def table(*rows, names=NAMES):
    return "\n".join(",".join(map(str, row)) for row in (names, *rows)) + "\n"


def columns(**changes):
    return {name: [ill, well] for name, ill, well in zip(NAMES, ILL, WELL, strict=True)} | changes


BOTH = [record(), record(WELL)]
SAME = {
    "split": split(ILL, WELL),
    "split in another order": split(ILL[::-1], names=NAMES[::-1]),
    "split with an index": split(ILL, WELL, index=[7, 8]),
    "split with an index and a mistake": split(ILL, foo=1),
    "split without columns": {"dataframe_split": {"data": [ILL]}},
    "split of nothing": split(),
    "split with a column twice": split([*ILL, 1], names=[*NAMES, "Age"]),
    "split with a short row": split(ILL[:-1]),
    "records": {"dataframe_records": BOTH},
    "no records": {"dataframe_records": []},
    "inputs as records": {"inputs": BOTH},
    "inputs by column": {"inputs": columns()},
    "inputs of one row": {"inputs": record()},
    "inputs of columns of other lengths": {"inputs": columns(Age=[60])},
    "no inputs": {"inputs": []},
    "instances as records": {"instances": BOTH},
    "instances by column": {"instances": columns()},
    "instances of one row": {"instances": record(WELL)},
    "no parameters": {"inputs": BOTH, "params": {}},
    "null for parameters": {"inputs": BOTH, "params": None},
    "a whole number with a zero fraction": {"dataframe_records": [record(Age=60.0)]},
    "a whole number for a number": {"dataframe_records": [record(Oldpeak=3)]},
    "a missing column": {"dataframe_records": [without("Age")]},
    "null for a whole number": {"dataframe_records": [record(Age=None)]},
    "null for a number": {"dataframe_records": [record(Oldpeak=None)]},
    "null for a category": {"dataframe_records": [record(Sex=None)]},
    "a word for a number": {"dataframe_records": [record(Age="sixty")]},
    "a number for a category": {"dataframe_records": [record(Sex=1)]},
    "an unknown category": {"dataframe_records": [record(Sex="X")]},
    "two forms": {"inputs": BOTH, "instances": BOTH},
    "another form": {"data": BOTH},
    "a list": BOTH,
    "a number": 3,
    "an empty object": {},
    "a byte order mark": (JSON, b"\xef\xbb\xbf" + json.dumps({"inputs": BOTH}).encode()),
    "a charset": ("application/json; charset=utf-8", json.dumps({"inputs": BOTH})),
    "another charset": ("application/json; charset=latin-1", json.dumps({"inputs": BOTH})),
    "another parameter": ("application/json; format=pandas-split", json.dumps({"inputs": BOTH})),
    "another content type": ("application/xml", b"<rows/>"),
    "NaN": (JSON, json.dumps({"dataframe_records": [record(Oldpeak=float("nan"))]})),
    "infinity": (JSON, json.dumps({"dataframe_records": [record(Oldpeak=float("inf"))]})),
    "an empty body": (JSON, b""),
    "a body that was cut off": (JSON, b'{"inputs": [['),
    "a body that goes on": (JSON, json.dumps({"inputs": BOTH}) + "x"),
    "no UTF-8": (JSON, b"\xff"),
    "CSV": (CSV, table(ILL, WELL)),
    "CSV in another order": (CSV, table(ILL[::-1], names=NAMES[::-1])),
    "CSV with a byte order mark": (CSV, "\ufeff" + table(ILL)),
    "CSV with a charset": ("text/csv; charset=UTF-8", table(ILL)),
    "CSV with quotes": (CSV, table(ILL).replace("ASY", '"ASY"')),
    "CSV with a zero fraction": (CSV, table([60.0, *ILL[1:]])),
    "CSV with blanks around a number": (CSV, table([" 60 ", *ILL[1:]])),
    "CSV with an empty cell": (CSV, table(["", *ILL[1:]])),
    "CSV with NaN": (CSV, table(ILL).replace("2.9", "nan")),
    "CSV without a column": (CSV, table(ILL[1:], names=NAMES[1:])),
    "CSV of nothing": (CSV, table()),
    "an empty CSV": (CSV, b""),
    "CSV with a last line of blanks": (CSV, table(ILL) + "   \n"),
    "CSV with blank lines": (CSV, "\n" + table(ILL, WELL).replace("\n", "\n  \n")),
    "an index that is no list": split(ILL, index="a"),
    "CSV with a short row": (CSV, table(ILL) + "60,M\n"),
    "CSV in another encoding": (CSV, b"Age\n\xff"),
}
# The table in docs/protocol.md: a request, MLflow's status code and ours.
DIFFERENT = {
    "a column that the model does not have": ({"dataframe_records": [record(Name="Ann")]}, 200, 400),
    "a number written as a text": ({"dataframe_records": [record(Age="60")]}, 200, 400),
    "a fraction for a whole number": ({"dataframe_records": [record(Age=60.5)]}, 200, 400),
    "true for a number": ({"dataframe_records": [record(FastingBS=True)]}, 200, 400),
    "a number out of range": ({"dataframe_records": [record(Age=400)]}, 200, 400),
    "a key that is repeated": ((JSON, json.dumps({"dataframe_records": [record()]})[:-3] + ', "Age": 61}]}'), 200, 400),
    "a column that is repeated in CSV": ((CSV, table([*ILL, 61], names=[*NAMES, "Age"])), 200, 400),
    "another key beside the rows": ({"inputs": BOTH, "parms": {}}, 200, 400),
    "parameters": ({"inputs": BOTH, "params": {"threshold": 0.1}}, 200, 400),
    "JSON in UTF-16": ((JSON, json.dumps({"inputs": BOTH}).encode("utf-16")), 200, 400),
    "an index of another length than the rows": (split(ILL, index=[7, 8]), 200, 400),
    "a list of one value in one column, single values in the others": ({"inputs": record() | {"Age": [60]}}, 200, 400),
    "row names of a frame in CSV": ((CSV, table([0, *ILL], names=["", *NAMES])), 200, 400),
    "NUL in CSV": ((CSV, table(ILL)[:-1] + "\x00\n"), 200, 400),
    "rows as lists, of columns with several types": ({"inputs": [ILL, WELL]}, 400, 200),
    "Application/JSON, in capitals": (("Application/JSON", json.dumps({"inputs": BOTH})), 415, 200),
    "Parquet": (("application/vnd.apache.parquet", b"PAR1"), 400, 415),
    "no content type": ((None, b"{}"), 500, 415),
    "deeply nested JSON": ((JSON, b"[" * 100_000), 500, 400),
}

PATHS = ("HEAD", "a slash at the end of a path", "gzip or deflate")  # differences beside the body and its type


@pytest.fixture(scope="module")
def released(tmp_path_factory, with_mlflow, heart, snapshot, rows, tuned):
    """Register heart-failure on a SQLite MLflow of its own, and keep the bundle; return settings, version and bundle."""
    from slipway.settings import Settings
    from slipway.tracking import registration, registry
    from slipway.tracking.connection import connect

    settings = Settings(home=with_mlflow(tmp_path_factory.mktemp("home")))
    candidate = registration.register(heart, snapshot, rows, tuned, settings)
    with registry.downloaded_bundle(connect(settings), candidate.run_id) as bundle:
        kept = tmp_path_factory.mktemp("kept") / "bundle"
        shutil.move(bundle.folder, kept)
    return settings, f"models:/{candidate.registered_as}/{candidate.version}", kept


@pytest.fixture(scope="module")
def mlflow(released, tmp_path_factory):
    """A real `mlflow models serve`; gives its address."""
    settings, version, _ = released
    port = _lasting_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", version, "-p", str(port), "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it starts uvicorn by name
    environment = os.environ | {"MLFLOW_TRACKING_URI": settings.tracking, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = tmp_path_factory.mktemp("log") / "mlflow.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}", 180, lambda: server.poll() is None, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture(scope="module")
def ours(released, answering):
    """The gateway, with that version beside the toy; gives the address of the version's own port."""
    from slipway.bundle.store.active import install

    port = _free_port()
    install(released[2], answering.store, port)
    _wait(f"http://127.0.0.1:{port}", 30, lambda: answering.process.poll() is None, answering.home / "gateway.log")
    yield f"http://127.0.0.1:{port}"
    answering.withdraw("heart-failure")


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def _lasting_port():
    """Return a port outside of those that the system chooses from: MLflow takes it only after many seconds."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _wait(url, seconds, runs, log):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and runs():
        try:
            if httpx.get(f"{url}/ping").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"{url} does not answer\n{log.read_text()}")


def ask(url, content, headers=None):
    kind, body = content if isinstance(content, tuple) else (JSON, json.dumps(content))
    return httpx.post(f"{url}/invocations", content=body, headers=(headers or {}) | ({"Content-Type": kind} if kind else {}), timeout=30)


@pytest.mark.parametrize("name", SAME)
def test_both_answer_the_same(mlflow, ours, answering, name):
    theirs, mine = ask(mlflow, SAME[name]), ask(ours, SAME[name], answering.bearer)

    assert theirs.status_code == mine.status_code
    if theirs.is_success:
        assert theirs.json() == mine.json()
        assert theirs.headers["content-type"] == mine.headers["content-type"]
    elif theirs.status_code == 400:
        assert {"error_code", "message"} <= theirs.json().keys() & mine.json().keys()


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_difference_is_one_that_is_meant(mlflow, ours, answering, name):
    content, their_status, our_status = DIFFERENT[name]

    theirs, mine = ask(mlflow, content), ask(ours, content, answering.bearer)

    assert (theirs.status_code, mine.status_code) == (their_status, our_status)
    if our_status == 200:
        assert set(mine.json()["predictions"]) <= {0, 1}
    else:
        assert mine.json()["message"]


def test_the_table_lists_every_difference_and_no_other():
    table = re.findall(r"^\| (.+?) \| (\d+) \| (\d+) \| .+ \|$", DOCUMENT.read_text(), re.MULTILINE)
    table = [line for line in table if line[0] not in PATHS]

    assert table == [(name, str(theirs), str(ours)) for name, (_, theirs, ours) in DIFFERENT.items()]


@pytest.mark.parametrize("asked", ["GET ping", "GET health", "GET version", "POST ping", "GET invocations", "GET nothing"])
def test_the_other_paths_are_answered_alike(mlflow, ours, asked):
    method, path = asked.split()
    theirs, mine = httpx.request(method, f"{mlflow}/{path}"), httpx.request(method, f"{ours}/{path}")

    assert theirs.status_code == mine.status_code
    if theirs.is_success:
        assert (theirs.text, theirs.headers["content-type"]) == (mine.text, mine.headers["content-type"])


def test_bodies_made_from_every_cell_in_every_form_are_answered_alike_or_listed(mlflow, ours, answering):
    made = list(bodies())
    assert len(made) > 500  # as docs/protocol.md says
    wrong = []
    with httpx.Client(timeout=30) as client:
        for body in made:
            headers, content = {"Content-Type": body.kind}, body.content.encode()
            theirs = client.post(f"{mlflow}/invocations", content=content, headers=headers)
            mine = client.post(f"{ours}/invocations", content=content, headers=headers | answering.bearer)
            statuses = (theirs.status_code, mine.status_code)
            if statuses[0] != statuses[1]:
                if body.difference is None or statuses != DIFFERENT[body.difference][1:]:
                    wrong.append((body.name, *statuses, mine.text))
            elif theirs.is_success and theirs.json() != mine.json():
                wrong.append((body.name, theirs.json(), mine.json()))

    assert not wrong


def test_every_difference_of_a_made_body_is_one_of_the_table():
    assert {body.difference for body in bodies()} - {None} <= DIFFERENT.keys()


@pytest.mark.parametrize(
    ("method", "path", "theirs", "mine"), [("HEAD", "ping", 405, 200), ("GET", "ping/", 307, 200), ("POST", "invocations/", 307, 200)]
)
def test_a_difference_of_the_paths_is_in_the_document(mlflow, ours, answering, method, path, theirs, mine):
    content = {"content": json.dumps({"inputs": BOTH}), "headers": {"Content-Type": JSON}} if method == "POST" else {}
    found = [
        httpx.request(method, f"{url}/{path}", **content | {"headers": content.get("headers", {}) | more})
        for url, more in ((mlflow, {}), (ours, answering.bearer))
    ]

    assert [reply.status_code for reply in found] == [theirs, mine]
    what = "HEAD" if method == "HEAD" else "a slash at the end of a path"
    assert f"| {what} | {theirs} | {mine} |" in DOCUMENT.read_text()


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_bodies_are_a_difference_in_the_document(mlflow, ours, answering, coding, pack):
    content, headers = pack(json.dumps({"inputs": BOTH}).encode()), {"Content-Type": JSON, "Content-Encoding": coding}
    found = [httpx.post(f"{url}/invocations", content=content, headers=headers | answering.bearer) for url in (mlflow, ours)]

    assert f"| gzip or deflate | {found[0].status_code} | {found[1].status_code} |" in DOCUMENT.read_text()
    assert found[1].status_code == 200
