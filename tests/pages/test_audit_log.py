"""The page of the audit log: what a search finds, who may search, and that each search is in the log itself."""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from slipway.access import keys
from tests.gateway.conftest import Gateway, _build
from tests.pages.conftest import PATIENT, Person, Visitor, predict, text_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CALLERS: dict[str, str] = {}  # the keys of the tests, by name
HOSTILE = '"><script>alert(1)</script>'
TARGETS = "button, input:not([type=hidden], [type=radio]), select"
ROW = {"Age": 80, "Oldpeak": 2.0, "Sex": "M"}


@pytest.fixture
def auditor(clinic: Gateway, add_person: Callable[..., Person]) -> Iterator[Visitor]:
    """An auditor of this test's own, signed in, who reads English."""
    with signed_in_as(clinic, add_person, "audit") as visitor:
        yield visitor


@pytest.fixture
def of_toy(clinic: Gateway, add_person: Callable[..., Person]) -> Iterator[Visitor]:
    """An auditor who may read the lines of one model only."""
    with signed_in_as(clinic, add_person, "audit:toy") as visitor:
        yield visitor


@contextmanager
def signed_in_as(clinic: Gateway, add_person: Callable[..., Person], *roles: str) -> Iterator[Visitor]:
    """Sign in somebody new, whose name is in the visitor's header x-name."""
    name = f"au-{secrets.token_hex(4)}"
    with Visitor(clinic.url, **{"x-name": name}) as visitor:
        assert visitor.sign_in(add_person(name, *roles)).status_code == 303
        yield visitor


@pytest.fixture
def caller(clinic: Gateway) -> str:
    """The name of a key of this test's own."""
    name = f"erp-{secrets.token_hex(4)}"
    CALLERS[name] = keys.generate()
    keys.add(clinic.home, name, CALLERS[name])
    return name


def asked(clinic: Gateway, caller: str, rows: int = 1, model: str = "toy", **more: object) -> str:
    """Predict through the API, and return the id of the request."""
    row = PATIENT_ROW if model == "diabetes" else ROW
    headers = {"Authorization": f"Bearer {CALLERS[caller]}"}
    answer = httpx.post(f"{clinic.url}/models/{model}/predict", json={"rows": [row | more] * rows}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-request-id"]


PATIENT_ROW = {"gender": "Female", "age": 61, "hypertension": 1, "heart_disease": 0, "smoking_history": "never", "bmi": 31.4,
               "HbA1c_level": 8.1, "blood_glucose_level": 240}  # fmt: skip


def search(visitor: Visitor, **fields: str) -> httpx.Response:
    return visitor.submit("/audit", visitor.form("/audit") | fields)


def opened(visitor: Visitor, line: str, **fields: str) -> httpx.Response:
    return visitor.submit("/audit/line", visitor.form("/audit") | {"line": line} | fields)


def export(visitor: Visitor, **fields: str) -> httpx.Response:
    return visitor.submit("/audit/export", visitor.form("/audit") | fields)


def found(page: httpx.Response) -> list[str]:
    """Return the ids of the lines of a page."""
    return re.findall(r'name="line" value="([\w-]+)"', page.text)


def acts_of(clinic: Gateway, visitor: Visitor) -> list[tuple[str, str]]:
    with sqlite3.connect(clinic.home / "gateway" / "audit.db") as log:
        return log.execute("SELECT what, about FROM administration WHERE who = ?", (f"user:{visitor.headers['x-name']}",)).fetchall()


def test_the_page_is_a_form_and_reads_nothing_before_it_is_sent(clinic, auditor):
    page = auditor.get("/audit")

    assert page.status_code == 200
    assert "Each search and each opened line is logged with your name." in text_of(page)
    assert '<a href="/audit" aria-current="page">Audit log</a>' in page.text
    assert [what for what, _ in acts_of(clinic, auditor)] == ["signed in"]


def test_answers_are_found_by_caller_and_the_search_is_logged(clinic, auditor, caller):
    second, first = reversed([asked(clinic, caller), asked(clinic, caller, model="diabetes")])

    page = search(auditor, caller=caller)

    assert found(page) == [f"{second}-0", f"{first}-0"]
    words = text_of(page)
    assert re.search(r"diabetes, version 4 Sample rows only key:erp-\w+ Diabetes The probability of “diabetes” is", words)
    assert (len(page.content) < 60_000, page.headers["cache-control"]) == (True, "no-store")
    assert acts_of(clinic, auditor)[1:] == [("read the audit log", f"answers; caller {caller}")]


def test_a_search_by_subject_finds_the_answers_and_neither_address_nor_log_has_the_id(clinic, auditor, caller):
    wanted = asked(clinic, caller, subject=f"HC-{caller}")
    asked(clinic, caller, subject="HC-other")

    page = search(auditor, subject=f" HC-{caller} ")

    assert found(page) == [f"{wanted}-0"]
    assert page.url.path == "/audit"
    assert not page.url.query
    acts = acts_of(clinic, auditor)[1:]
    assert [what for what, _ in acts] == ["looked for a subject", "read the audit log"]
    pseudonym = acts[0][1].removeprefix("pseudonym ")
    assert acts[1][1] == f"answers; pseudonym {pseudonym}"
    assert "HC-" not in str(acts)
    assert "HC-" not in clinic.log()
    assert text_of(search(auditor, subject="HC-nobody")).count("The log has no such lines.") == 1


def test_lines_are_found_by_time_with_the_last_minute_included(clinic, auditor, caller):
    asked(clinic, caller)
    now = datetime.now().astimezone()
    today = {"since_day": f"{now:%Y-%m-%d}", "until_day": f"{now:%Y-%m-%d}"}

    assert len(found(search(auditor, caller=caller, **today))) == 1
    assert len(found(search(auditor, caller=caller, until_day=f"{now:%Y-%m-%d}", until_time=f"{now:%H:%M}"))) == 1
    assert found(search(auditor, caller=caller, until_day="2026-01-01")) == []
    assert found(search(auditor, caller=caller, since_day="2099-01-01")) == []
    about = acts_of(clinic, auditor)[-1][1]
    assert about == f"answers; caller {caller}; from {datetime(2099, 1, 1).astimezone(UTC).isoformat(timespec='milliseconds')}"


def test_a_search_with_mistakes_comes_back_as_it_was_typed_and_is_not_made(clinic, auditor):
    page = search(auditor, subject=HOSTILE, kind="refusals", caller=HOSTILE, prediction="a b", until_day="x")

    assert page.status_code == 400
    assert text_of(page).count("Only answers are about a person") == 2
    assert text_of(page).count("The id of a prediction has only letters") == 2
    assert text_of(page).count("Enter the last day") == 2
    assert page.text.count("&lt;script&gt;") >= 2
    assert "<script" not in page.text
    assert [what for what, _ in acts_of(clinic, auditor)] == ["signed in"]


def test_an_opened_line_shows_values_why_outcomes_and_the_opening_is_logged(clinic, auditor, signed_in):
    values = PATIENT | {"value:bmi": "31.4", "value:HbA1c_level": "8.1", "subject": f"{HOSTILE} 7"}
    prediction = f"{predict(signed_in, values).headers['x-request-id']}-0"
    for outcome in (0, 1):
        sent = {"outcomes": [{"prediction_id": prediction, "outcome": outcome, "observed_at": "2026-01-02T08:00:00Z"}]}
        httpx.post(f"{clinic.url}/models/diabetes/outcomes", json=sent, headers=clinic.bearer).raise_for_status()

    page = search(auditor, prediction=prediction)

    words = text_of(page)
    assert "Glycated haemoglobin (HbA1c) 8.1 %" in words
    assert "The numbers beside the bars add up" in words
    assert re.search(r"diabetes \d+ \w+ 2026, [\d:]+ \w+ key:tester 2 January 2026.* no diabetes \d+ \w+ 2026", words)
    assert re.search(r"Pseudonym [0-9a-f]{64}", words)
    assert "<script" not in page.text
    assert "script&gt; 7" not in page.text
    assert acts_of(clinic, auditor)[1:] == [("opened a line of the audit log", prediction)]


def test_the_id_of_a_person_is_shown_on_demand_and_that_is_logged_first(clinic, auditor, caller):
    line = f"{asked(clinic, caller, subject=f'<b>{caller}')}-0"

    hidden, shown = opened(auditor, line), opened(auditor, line, reveal="1")

    assert "Show the id" in hidden.text
    assert caller not in hidden.text.replace(f"key:{caller}", "")
    assert f"&lt;b&gt;{caller}" in shown.text
    opening = ("opened a line of the audit log", line)
    assert acts_of(clinic, auditor)[1:] == [opening, opening, ("revealed subject ids", line)]


def test_an_opened_line_leads_back_to_its_search(auditor, clinic, caller):
    line = f"{asked(clinic, caller)}-0"

    page = opened(auditor, line, caller=caller, kind="answers")
    back = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text[page.text.rindex("<form") :]))

    assert found(auditor.submit("/audit", back)) == [line]


def test_a_line_of_a_version_that_is_gone_is_shown_as_it_was_written(clinic, auditor, caller):
    line = f"{asked(clinic, caller)}-0"
    with sqlite3.connect(clinic.home / "gateway" / "audit.db") as log:
        log.execute("UPDATE predictions SET version = 77, run_id = ? WHERE prediction_id = ?", ("7" * 32, line))

    assert "Value 1 80 Value 2 2.0 Value 3 M" in text_of(opened(auditor, line))
    assert "version 77" in text_of(search(auditor, caller=caller))


def test_a_line_of_an_earlier_version_is_in_the_words_of_that_version(clinic, auditor, caller, tmp_path):
    line = f"{asked(clinic, caller)}-0"
    _build(tmp_path / "toy-2", "toy", 2, (0, 1), lambda age: int(age <= 55))
    clinic.serve(tmp_path / "toy-2")
    try:
        page = text_of(opened(auditor, line))
    finally:
        clinic.serve(next((clinic.store / "toy").glob("1-*")))

    assert "Age 80 years" in page
    assert "Version 1" in page


def test_requests_of_many_rows_are_one_line_and_their_rows_can_be_opened(clinic, auditor, caller):
    request = asked(clinic, caller, rows=20)

    page = search(auditor, caller=caller, kind="requests")

    assert found(page) == [f"{request}-0"]
    assert re.search(rf"key:{caller} 20 ", text_of(page))
    assert "Age 80 years" in text_of(opened(auditor, f"{request}-19"))
    assert opened(auditor, f"{request}-20").status_code == 404


def test_refused_requests_are_found_without_their_values(clinic, auditor, caller, soon):
    bad = {"rows": [ROW | {"Age": HOSTILE}]}
    httpx.post(f"{clinic.url}/models/toy/predict", json=bad, headers={"Authorization": f"Bearer {CALLERS[caller]}"})

    assert soon(lambda: "400 BAD_REQUEST 1 wrong value" in text_of(search(auditor, caller=caller, kind="refusals")))
    page = search(auditor, caller=caller, kind="refusals", model="toy")
    assert "POST /models/toy/predict" in text_of(page)
    assert "script" not in page.text


def test_acts_are_found_by_who_did_them(clinic, auditor):
    page = search(auditor, kind="acts", caller=auditor.headers["x-name"])

    words = text_of(page)
    assert re.search(r"user:au-\w+ read the audit log acts; caller au-\w+", words)
    assert "signed in 127.0.0.1" in words


@pytest.mark.parametrize("role", ["predict", "outcome", "operate"])
def test_other_roles_reach_no_page_of_the_log(clinic, add_person, caller, role):
    line = f"{asked(clinic, caller)}-0"
    with signed_in_as(clinic, add_person, role) as visitor:
        fields = visitor.form("/account")
        replies = [
            visitor.get("/audit"),
            *(visitor.submit(path, fields | {"line": line}) for path in ("/audit", "/audit/line", "/audit/export")),
        ]

        assert [reply.status_code for reply in replies] == [403] * 4
        assert "/audit" not in visitor.get("/").text


def test_a_grant_for_one_model_shows_the_lines_of_that_model(clinic, of_toy, caller):
    own, other = asked(clinic, caller), asked(clinic, caller, model="diabetes")

    page = search(of_toy, caller=caller)

    assert found(page) == [f"{own}-0"]
    assert "You see the lines of these models: toy." in text_of(page)
    assert "<option>diabetes" not in page.text
    assert "kind-acts" not in page.text
    assert search(of_toy, model="diabetes").status_code == 403
    assert search(of_toy, kind="acts").status_code == 403
    assert [opened(of_toy, f"{id}-0").status_code for id in (own, other)] == [200, 404]
    assert search(of_toy, prediction=f"{other}-0").status_code == 404
    assert opened(of_toy, f"{other}-0", reveal="1").status_code == 404
    assert f"{other}-0" not in export(of_toy, caller=caller, format="csv").text
    assert export(of_toy, kind="acts", format="csv").status_code == 403


@pytest.mark.parametrize("path", ["/audit", "/audit/line", "/audit/export"])
def test_a_form_of_another_site_reads_nothing(clinic, auditor, visitor, path):
    fields = auditor.form("/audit") | {"format": "csv"}

    foreign = auditor.submit(path, fields, origin="https://evil.example")
    stolen = auditor.submit(path, fields | {"form_token": "0" * 64})
    nobody = visitor.submit(path, fields)

    assert [reply.status_code for reply in (foreign, stolen, nobody)] == [403, 403, 401]
    assert [what for what, _ in acts_of(clinic, auditor)] == ["signed in"]


def test_pages_of_fifty_follow_each_other_while_rows_arrive(clinic, auditor, caller):
    expected = [f"{request}-{row}" for request in [asked(clinic, caller, rows=15) for _ in range(4)] for row in range(15)]

    first = search(auditor, caller=caller)
    asked(clinic, caller)
    older = re.search(r'name="after" value="(\w+)"', first.text)[1]
    second = search(auditor, caller=caller, after=older)

    assert sorted(found(first) + found(second)) == sorted(expected)
    assert (len(found(first)), len(first.content) < 60_000) == (50, True)
    assert "Older lines" not in second.text
    assert "Newest lines" in second.text
    assert acts_of(clinic, auditor)[-1][1].startswith(f"answers; caller {caller}; before 20")
    assert search(auditor, caller=caller, after=HOSTILE).status_code == 400


def test_an_export_has_every_line_no_formula_and_no_id_of_a_person(clinic, auditor, caller):
    ids = [f"{request}-{row}" for request in [asked(clinic, caller, rows=15) for _ in range(40)] for row in range(15)]
    secret = f"{asked(clinic, caller, subject='=HC-4711')}-0"
    with sqlite3.connect(clinic.home / "gateway" / "audit.db") as log:
        log.execute("UPDATE predictions SET address = '=cmd|calc!A0' WHERE prediction_id = ?", (secret,))

    reply = export(auditor, caller=caller, format="csv")
    as_json = export(auditor, caller=caller, format="jsonl")

    assert re.fullmatch(r'attachment; filename="audit-answers-\d{8}-\d{6}\.csv"', reply.headers["content-disposition"])
    assert (reply.headers["content-type"], reply.headers["transfer-encoding"]) == ("text/csv; charset=utf-8", "chunked")
    assert reply.headers["cache-control"] == "no-store"
    lines = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"), newline="")))
    assert sorted(line["prediction_id"] for line in lines) == sorted([*ids, secret])
    (line,) = (line for line in lines if line["prediction_id"] == secret)
    assert (line["address"], line["row"], line["label"]) == ("'=cmd|calc!A0", '[80,2.0,"M"]', "1")
    assert len(line["pseudonym"]) == 64
    records = [json.loads(line) for line in as_json.text.splitlines()]
    assert [record["prediction_id"] for record in records] == [line["prediction_id"] for line in lines]
    assert "HC-4711" not in reply.text + as_json.text
    assert acts_of(clinic, auditor)[1:] == [("exported the audit log", f"answers; caller {caller}")] * 2


@pytest.mark.parametrize("kind", ["requests", "refusals", "acts"])
def test_each_table_can_be_exported(clinic, auditor, caller, kind):
    asked(clinic, caller, rows=20)

    lines = list(csv.DictReader(io.StringIO(export(auditor, kind=kind, format="csv").content.decode("utf-8-sig"), newline="")))

    if kind == "requests":
        assert [line["row"] for line in lines if line["key"] == f"key:{caller}"] == ['[80,2.0,"M"]'] * 20
    assert lines
    assert export(auditor, kind=kind, format="xlsx").status_code == 400


def test_the_gateway_answers_while_a_long_log_is_exported(clinic, auditor, caller):
    request = asked(clinic, caller)
    with sqlite3.connect(clinic.home / "gateway" / "audit.db") as log:
        log.execute(
            "INSERT INTO predictions SELECT 'long' || n.value || '-0', request_id, time, key, 'toy', version, run_id, row, label,"
            " probabilities, latency_ms, address, NULL, NULL, NULL FROM predictions,"
            " (WITH RECURSIVE c(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM c WHERE value < 20000) SELECT value FROM c) AS n"
            " WHERE prediction_id = ?",
            (f"{request}-0",),
        )
    slowest = 0.0
    fields = auditor.form("/audit") | {"caller": caller, "format": "jsonl"}
    with auditor.stream("POST", "/audit/export", data=fields, headers={"Origin": auditor.own}) as reply:
        for number, _ in enumerate(reply.iter_lines(), 1):
            if number % 2_000 == 0:
                slowest = max(slowest, httpx.get(f"{clinic.url}/ping").elapsed.total_seconds())

    assert number == 20_001
    assert slowest < 1


# in a real browser


@pytest.fixture
def browse(clinic: Gateway, add_person: Callable[..., Person], chromium: Browser) -> Iterator[Callable[..., Page]]:
    """A browser of somebody who may predict and read the log, in Spanish."""
    windows = []
    with signed_in_as(clinic, add_person, "predict", "outcome", "audit") as visitor:

        def open_page(**settings: object) -> Page:
            window = chromium.new_context(base_url=clinic.url, locale="es-CO", java_script_enabled=False, **settings)
            windows.append(window)
            window.add_cookies([{"name": "slipway", "value": visitor.cookies["slipway"], "url": clinic.url}])
            return window.new_page()

        visitor.headers["Accept-Language"] = "es"
        open_page.visitor = visitor
        yield open_page
        for window in windows:
            window.close()


def test_a_prediction_is_found_in_the_log_by_its_subject(browse, tmp_path):
    subject = f"HC-{secrets.token_hex(4)}"
    assert predict(browse.visitor, PATIENT | {"subject": subject}).status_code == 200
    page = browse(viewport={"width": 390, "height": 844})
    page.goto("/")
    page.get_by_role("link", name="Registro de auditoría").click()
    page.get_by_label("Identificador de la persona").fill(subject)
    page.get_by_role("button", name="Buscar").click()

    assert page.url.endswith("/audit")
    assert page.locator("tbody tr").count() == 1
    page.screenshot(path=tmp_path / "audit.png", full_page=True)
    page.get_by_role("button", name="Abrir").click()
    assert "Hemoglobina glicosilada (HbA1c)" in page.locator("main").inner_text()
    page.get_by_role("button", name="Mostrar el identificador").click()
    assert page.locator("dl.facts").first.inner_text().split("\n")[1] == subject
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=tmp_path / "line.png", full_page=True)
    page.get_by_role("button", name="Volver a la búsqueda").click()
    assert page.locator("tbody tr").count() == 1


@pytest.mark.parametrize("width", [360, 700, 1280])
def test_no_page_of_the_log_is_wider_than_the_screen_or_has_small_targets(browse, clinic, caller, width):
    asked(clinic, caller, rows=20)
    asked(clinic, caller)
    page = browse(viewport={"width": width, "height": 800})
    for kind in ("answers", "requests", "refusals", "acts"):
        page.goto("/audit")
        page.locator(f"#kind-{kind}").check()
        page.get_by_role("button", name="Buscar").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, kind
        heights = page.evaluate(
            "[...document.querySelectorAll('button, input:not([type=hidden], [type=radio]), select')].map(one => one.offsetHeight)"
        )
        assert all(height >= 44 for height in heights if height), (kind, heights)
