"""A doctor predicts for one patient: the form of a model and its answer, without a browser and in a real one."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.gateway.conftest import Gateway, _build, _free_port
from tests.pages.conftest import PATIENT, Person, Visitor, predict, text_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DIFFERENT = {"id", "request_id", "prediction_id", "key", "time", "latency_ms", "subject"}  # of a logged line; the subject is encrypted
HOSTILE = '"><script>alert(1)</script>'


def logged(clinic: Gateway, table: str, value: str, by: str = "request_id") -> dict[str, Any]:
    with sqlite3.connect(clinic.home / "gateway" / "audit.db") as log:
        log.row_factory = sqlite3.Row
        return dict(log.execute(f"SELECT * FROM {table} WHERE {by} = ?", (value,)).fetchone() or ())


# without a browser


def test_the_first_page_leads_to_the_form_of_each_model_that_a_person_may_predict_with(clinic, doctor, add_person):
    page = doctor.get("/").text

    assert 'href="/predict/diabetes"' in page
    assert "Enfermedad" not in page
    watcher = add_person("otto", "operate")
    with Visitor(clinic.url) as visitor:
        visitor.sign_in(watcher)
        assert "/predict/diabetes" not in visitor.get("/").text
        assert visitor.get("/predict/diabetes").status_code == 403


def test_a_doctor_types_decimal_commas_and_reads_the_answer_in_words(clinic, doctor):
    reply = predict(doctor, PATIENT | {"subject": "HC 4711"})

    page = text_of(reply)
    assert reply.status_code == 200
    assert re.search(r"El modelo «Diabetes» responde: Diabetes La probabilidad de «diabetes» es \d+,\d+\xa0?\s?%", page)
    assert re.search(r"A partir de 35\s%, el modelo responde «diabetes»; por debajo, «sin diabetes»", page)
    assert "No apto para pacientes" in page
    assert "Hemoglobina glicosilada (HbA1c) 8,1 %" in page
    assert "Para qué no sirve Un diagnóstico" in page
    assert "Solicitada por anna" in page
    assert "Identificador de la persona HC 4711" in page
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-slipway-version"] == "4"
    assert len(reply.content) < 60_000


def test_a_prediction_on_a_page_is_the_same_and_logged_the_same_as_one_of_the_api(clinic, doctor):
    page = predict(doctor, PATIENT | {"subject": "HC-9"})
    row = {"gender": "Female", "age": 61, "hypertension": 1, "heart_disease": 0, "smoking_history": "never", "bmi": 31.4,
           "HbA1c_level": 8.1, "blood_glucose_level": 240}  # fmt: skip
    api = httpx.post(f"{clinic.url}/models/diabetes/predict", json={"row": row | {"subject": "HC-9"}}, headers=clinic.bearer)

    (answer,) = api.json()["predictions"]
    ours, theirs = (logged(clinic, "predictions", reply.headers["x-request-id"]) for reply in (page, api))
    assert f"{answer['probabilities']['1'] * 100:.1f}".replace(".", ",") in text_of(page)
    assert f"{page.headers['x-request-id']}-0" in page.text
    same = [name for name in ours if name not in DIFFERENT]
    assert [ours[name] for name in same] == [theirs[name] for name in same]
    assert {"model", "version", "row", "label", "probabilities", "pseudonym"} <= set(same)
    assert (ours["key"], theirs["key"]) == ("user:anna", "key:tester")
    explained = logged(clinic, "explanations", ours["prediction_id"], by="prediction_id")
    assert json.loads(explained["explanation"])["background"] == 30  # what the page says about why is in the log too


def test_a_refused_form_keeps_all_that_was_typed_and_says_what_is_wrong_beside_each_field_and_on_top(doctor):
    reply = predict(doctor, PATIENT | {"value:age": "400", "value:bmi": "1.234", "subject": "HC 4711", "value:smoking_history": ""})

    page = text_of(reply)
    assert reply.status_code == 400
    assert page.count("«Edad» debe estar entre 0 y 120 años; ha escrito 400.") == 2  # in the summary, and beside the field
    assert page.count("«Índice de masa corporal»: 1.234 se puede leer de dos maneras. Escriba 1234 o 1,234.") == 2
    assert page.count("Elija un valor en «Antecedentes de tabaquismo».") == 2
    assert "<title>Error:" in reply.text
    for name, value in [("subject", "HC 4711"), ("value:age", "400"), ("value:bmi", "1.234"), ("value:HbA1c_level", "8,1")]:
        assert re.search(rf'name="{re.escape(name)}"[^>]* value="{re.escape(value)}"', reply.text), name
    assert re.search(r'value="=Female" checked', reply.text)
    links = re.findall(r'<a href="#([\w-]+)">', reply.text)
    assert [re.search(rf'id="{link}" name="(?:value:)?([\w:]+)"', reply.text)[1] for link in links] == ["age", "smoking_history", "bmi"]


def test_a_refused_form_is_logged_as_a_refusal_without_its_values(clinic, doctor, soon):
    reply = predict(doctor, PATIENT | {"value:age": "400", "value:bmi": "", "subject": "SECRET-77"})

    found = soon(lambda: logged(clinic, "refusals", reply.headers["x-request-id"]))
    assert (found["key"], found["status"], found["violations"], found["path"]) == ("user:anna", 400, 2, "/predict/diabetes")
    assert "SECRET-77" not in str(found) + clinic.log()


def test_values_are_changed_on_the_filled_form(doctor):
    answer = predict(doctor, PATIENT | {"subject": "HC-1"})
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text.partition("/predict/diabetes/values")[2]))

    form = doctor.submit("/predict/diabetes/values", {name: unescape(value) for name, value in hidden.items()})

    assert form.status_code == 200
    assert "Hay un problema" not in form.text
    assert re.search(r'name="value:HbA1c_level"[^>]* value="8,1"', form.text)
    assert re.search(r'name="subject"[^>]* value="HC-1"', form.text)
    assert '<option value="=never" selected>' in form.text


@pytest.mark.parametrize("name", ["value:bmi", "value:gender", "value:smoking_history", "subject"])
def test_what_a_person_types_never_becomes_html(doctor, name):
    reply = predict(doctor, PATIENT | {name: HOSTILE})

    assert reply.status_code in (200, 400)
    assert "<script" not in reply.text


def test_an_id_that_cannot_be_kept_is_refused_beside_its_field(doctor):
    reply = predict(doctor, PATIENT | {"subject": "x" * 201})

    assert reply.status_code == 400
    assert text_of(reply).count("El identificador de la persona debe tener como máximo 200 caracteres, todos imprimibles.") == 2


def test_a_form_of_another_site_or_of_nobody_predicts_nothing(clinic, doctor, visitor):
    fields = doctor.form("/predict/diabetes") | PATIENT

    assert doctor.submit("/predict/diabetes", fields, origin="https://evil.example").status_code == 403
    assert doctor.submit("/predict/diabetes", PATIENT).status_code == 403
    of_nobody = visitor.submit("/predict/diabetes", fields)
    assert of_nobody.status_code == 401
    assert 'action="/sign-in"' in of_nobody.text
    assert doctor.get("/predict/nothing").status_code == 404


def test_a_version_without_words_has_a_form_too(doctor):
    page = doctor.get("/predict/toy")

    assert page.status_code == 200
    assert "Age at admission" in text_of(page) or "age at admission" in text_of(page)
    answer = doctor.submit("/predict/toy", doctor.form("/predict/toy") | {"value:Age": "80", "value:Oldpeak": "2", "value:Sex": "=M"})
    assert answer.status_code == 200
    assert "El archivo del modelo no dice para qué sirve" in text_of(answer)


def test_an_answer_that_cannot_be_explained_is_shown_and_logged_all_the_same(clinic, doctor, tmp_path):
    _build(tmp_path / "bare-1", "bare", 1, (0, 1), lambda age: int(age > 55))
    pointer = clinic.serve(tmp_path / "bare-1", "bare", _free_port())
    try:
        shutil.rmtree(clinic.store / "bare" / pointer.bundle)  # the version in service does not need it, its explanation does

        answer = doctor.submit("/predict/bare", doctor.form("/predict/bare") | {"value:Age": "80", "value:Oldpeak": "2", "value:Sex": "=M"})

        assert answer.status_code == 200
        assert "Para esta versión no hay explicación de la respuesta." in text_of(answer)
        assert logged(clinic, "predictions", answer.headers["x-request-id"])["model"] == "bare"
        assert "bare version 1 cannot be explained" in clinic.log()
    finally:
        clinic.withdraw("bare")


# in a real browser


@pytest.fixture
def browse(clinic: Gateway, anna: Person, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open the form of diabetes in a window of its own, as Anna, in Spanish."""
    with Visitor(clinic.url) as visitor:
        visitor.sign_in(anna)
        cookie = visitor.cookies["slipway"]
    windows = []

    def open_page(**settings: Any) -> Page:
        window = chromium.new_context(locale="es-CO", **settings)
        windows.append(window)
        window.add_cookies([{"name": "slipway", "value": cookie, "url": clinic.url}])
        page = window.new_page()
        page.goto(f"{clinic.url}/predict/diabetes")
        return page

    yield open_page
    for window in windows:
        window.close()


def fill(page: Page) -> None:
    page.get_by_label("Femenino").check()
    page.get_by_role("group", name="Hipertensión").get_by_label("Sí").check()
    page.get_by_role("group", name="Enfermedad cardíaca").get_by_label("No").check()
    page.get_by_label("Antecedentes de tabaquismo").select_option("Nunca ha fumado")
    page.get_by_label("Índice de masa corporal").fill("31,4")
    page.get_by_label("Hemoglobina glicosilada (HbA1c)").fill("8,1")
    page.get_by_label("Glucosa en sangre").fill("240")


def test_a_doctor_is_refused_an_age_of_400_by_the_field_s_own_message_and_then_sees_why(browse):
    page = browse(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    fill(page)
    page.get_by_label("Edad").fill("400")
    page.get_by_role("button", name="Predecir").click()

    age = page.get_by_label("Edad")
    assert page.locator(f"#{age.get_attribute('id')}-error").inner_text().endswith("«Edad» debe estar entre 0 y 120 años; ha escrito 400.")
    assert age.get_attribute("aria-invalid") == "true"
    assert page.get_by_label("Hemoglobina glicosilada (HbA1c)").input_value() == "8,1"
    assert page.get_by_label("Femenino").is_checked()

    age.fill("61")
    page.get_by_role("button", name="Predecir").click()

    assert page.get_by_role("heading", level=1).inner_text().endswith("Diabetes")
    effects = page.locator("ol.effects li").all_inner_texts()
    assert any("Hemoglobina glicosilada (HbA1c)" in effect and "8,1 %" in effect and "sube" in effect for effect in effects)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.url.endswith("/predict/diabetes")  # neither values nor id are in an address


def test_the_whole_form_works_by_keyboard_alone(browse):
    page = browse()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Ir al contenido principal"
    page.keyboard.press("Enter")
    steps = ["HC-5", "Space", "61", "ArrowDown", "Space", "n", "31,4", "8,1", "240"]
    for step in steps:
        page.keyboard.press("Tab")
        if step in ("Space", "ArrowDown"):
            page.keyboard.press(step)
        else:
            page.keyboard.type(step)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Predecir"
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Por qué esta respuesta").wait_for()
    assert page.locator("dl.facts").filter(has_text="Sexo").inner_text().split("\n")[:2] == ["Sexo", "Femenino"]
