"""A person sends a file of rows for a model: what it may be, what comes of each row, what stays and who sees it."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import socket
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.gateway.conftest import Gateway
from tests.pages.conftest import Person, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FORM, RESULT = "/files/toy", "/files/toy/result"
ROWS = "id,Age,Oldpeak,Sex\na,80,2.5,M\nb,30,0,F\n"
MISTAKES = "id;Age;Oldpeak;Sex\na;80;2,5;M\nb;400;0;F\nc;30;0;X\nd;30;1.234;F\ne;30;0;F\n"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def doctor(pages: Gateway, anna: Person) -> Iterator[Visitor]:
    """Anna, signed in, with no files."""
    shutil.rmtree(pages.home / "uploads", ignore_errors=True)
    with Visitor(pages.url) as visitor:
        assert visitor.sign_in(anna).status_code == 303
        yield visitor


def send(visitor: Visitor, content: str | bytes, name: str = "patients.csv", origin: str = "", **fields: str) -> httpx.Response:
    """Send a file as a browser does, with the fields of the page's form."""
    token = re.search(r'name="form_token" value="([^"]+)"', visitor.get("/account").text)
    fields = {"form_token": token[1] if token else ""} | fields
    return visitor.post(FORM, data=fields, files={"file": (name, content)}, headers={"Origin": origin or visitor.own})


def result(visitor: Visitor, *args: Any, **kwargs: Any) -> httpx.Response:
    """Send a file, and follow to its result."""
    sent = send(visitor, *args, **kwargs)
    assert sent.status_code == 303, text_of(sent)
    return visitor.get(sent.headers["location"])


def text_of(reply: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", reply.text)).split())


def download(visitor: Visitor, page: httpx.Response, what: str, separator: str = ",") -> list[dict[str, str]]:
    link = re.search(rf'href="([^"]*/{what}\?id=\w+)"', page.text)
    assert link, text_of(page)
    return list(csv.DictReader(io.StringIO(visitor.get(link[1]).content.decode("utf-8-sig"), newline=""), delimiter=separator))


def stored(pages: Gateway) -> list[Path]:
    folder = pages.home / "uploads"
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def logged(pages: Gateway, query: str, *values: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(pages.home / "gateway" / "audit.db") as log:
        return log.execute(query, values).fetchall()


def as_workbook(text: str) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for name, age, peak, sex in list(csv.reader(io.StringIO(text))):
        book.active.append([name, age, peak, sex] if age == "Age" else [name, int(age), float(peak), sex])
    book.save(file)
    return file.getvalue()


def as_parquet(text: str) -> bytes:
    rows, file = list(csv.DictReader(io.StringIO(text))), io.BytesIO()
    columns = {"id": [row["id"] for row in rows], "Age": [int(row["Age"]) for row in rows]}
    columns |= {"Oldpeak": [float(row["Oldpeak"]) for row in rows], "Sex": [row["Sex"] for row in rows]}
    pyarrow.parquet.write_table(pa.table(columns), file)
    return file.getvalue()


# without a browser


def test_three_bad_rows_are_shown_and_the_others_answered(pages, doctor):
    page = result(doctor, MISTAKES)

    words = text_of(page)
    assert "2 rows have a prediction. 3 rows were left out" in words
    table_says = "From -10 to 10 mm, in one way of reading: choose the decimals when you send the file, or write no separators of thousands"
    table = re.findall(r"<tr><td[^>]*>(\d+)</td><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td></tr>", page.text)
    assert [tuple(map(unescape, row)) for row in table] == [
        ("3", "Age", "A whole number from 0 to 120 years", "400"),
        ("4", "Sex", "F, M", '"X"'),
        ("5", "Oldpeak", table_says, '"1.234 (1234? 1.234?)"'),
    ]
    answers = download(doctor, page, "predictions", ";")
    assert [(row["row"], row["id"], row["label"]) for row in answers] == [("2", "a", "1"), ("6", "e", "0")]
    assert "," in answers[0]["probability_1"]  # the dialect of the file
    assert [row["Row"] for row in download(doctor, page, "rejected", ";")] == ["3", "4", "5"]


def test_a_file_is_answered_and_logged_as_the_api_does(pages, doctor):
    page = result(doctor, ROWS)
    answers = download(doctor, page, "predictions")
    api = httpx.post(
        f"{pages.url}/models/toy/predict",
        json={"rows": [{"Age": 80, "Oldpeak": 2.5, "Sex": "M"}, {"Age": 30, "Oldpeak": 0, "Sex": "F"}]},
        headers=pages.bearer,
    ).json()["predictions"]

    assert [float(row["probability_1"]) for row in answers] == [one["probabilities"]["1"] for one in api]
    for place, row in enumerate(answers):
        ((key, label),) = logged(pages, "SELECT key, label FROM predictions WHERE prediction_id = ?", row["prediction_id"])
        assert (key, json.loads(str(label))) == ("user:anna", api[place]["label"])
    ((about,),) = logged(pages, "SELECT about FROM administration WHERE what = 'uploaded a file' ORDER BY rowid DESC LIMIT 1")
    assert about == f"toy: patients.csv, {len(ROWS)} bytes, 2 rows"


@pytest.mark.parametrize(("content", "name"), [(as_workbook(ROWS), "rows.xlsx"), (as_parquet(ROWS), "rows.parquet"), (ROWS, "rows.txt")])
def test_every_kind_of_file_gets_the_same_answers(doctor, content, name):
    answers = download(doctor, result(doctor, content, name), "predictions")

    assert [(row["row"], row["id"], row["label"]) for row in answers] == [("2", "a", "1"), ("3", "b", "0")]


def test_the_example_is_taken_as_it_is_in_both_languages(pages, anna):
    for language, separator in (("en", ","), ("es", ";")):
        with Visitor(pages.url, **{"Accept-Language": language}) as visitor:
            visitor.sign_in(anna)
            example = visitor.get(f"{FORM}/example")
            assert example.headers["content-disposition"] == 'attachment; filename="toy-example.csv"'
            assert f"Age{separator}Oldpeak" in example.text
            assert len(download(visitor, result(visitor, example.content), "predictions", separator)) == 1


def test_a_subject_is_logged_and_never_in_an_address(pages, doctor):
    page = result(doctor, "subject,Age,Oldpeak,Sex\nHC-4711,80,2.5,M\n")

    (answer,) = download(doctor, page, "predictions")
    assert answer["subject"] == "HC-4711"
    ((pseudonym,),) = logged(pages, "SELECT pseudonym FROM predictions WHERE prediction_id = ?", answer["prediction_id"])
    assert pseudonym
    assert "HC-4711" not in pages.log() + str(page.url)


def test_the_decimal_mark_that_a_person_chooses_settles_what_can_be_read_in_two_ways(doctor):
    content = "Age;Oldpeak;Sex\n80;1,234;M\n"

    assert "1 row was left out" in text_of(result(doctor, content))
    assert "1 row has a prediction." in text_of(result(doctor, content, decimal="comma"))


def test_more_than_a_hundred_mistakes_are_counted_and_the_page_stays_small(doctor):
    page = result(doctor, "Age,Oldpeak,Sex\n" + "400,0,F\n" * 250)

    assert "250 rows were left out" in text_of(page)
    assert "And 150 more; the downloaded list has all of them." in text_of(page)
    assert "Download the predictions" not in page.text
    assert page.text.count("<tr><td") == 100
    assert len(page.content) < 60_000
    assert len(download(doctor, page, "rejected")) == 250


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "")
        with archive.open("xl/worksheets/sheet1.xml", "w") as member:
            for _ in range(1_100):
                member.write(b" " * (1 << 20))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Choose a file."),
        (b"\n\n", "The file is empty."),
        (b"Age,Oldpeak,Sex\n", "The file has names, but no rows below them."),
        (b"age,Oldpeak,Gender\n1,2,3\n", "Age is missing; the file has “age”."),
        (b"age,Oldpeak,Gender\n1,2,3\n", "Sex is missing. The file has: age, Oldpeak, Gender"),
        (b"one,two\n1,2\n", "None of the model's columns is in the first row."),
        (b"Age,Oldpeak,Sex,label\n1,2,F,3\n", "The predictions have columns of these names too: label."),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "This is no table, or its text is not in UTF-8."),
        (b"PK\x03\x04" + b"\x00" * 100, "The file is damaged"),
        (b"PAR1" + b"\x00" * 100, "The file is damaged"),
        (bomb(), "takes too much memory or time"),
    ],
)
def test_a_file_that_is_refused_leaves_nothing_and_the_form_says_what_to_do(pages, doctor, content, said):
    reply = send(doctor, content)

    assert reply.status_code == 400
    assert said in text_of(reply)
    assert 'href="#file"' in reply.text
    assert list((pages.home / "uploads").glob("*/*")) == []


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_may_be_larger_than_a_body_of_the_api_but_not_than_its_own_limit(pages, doctor, announced):
    def form(content: bytes) -> httpx.Response:
        token = re.search(r'name="form_token" value="([^"]+)"', doctor.get(FORM).text)[1].encode()
        body = b'--b\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n' + token
        body += b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + content + b"\r\n--b--\r\n"
        parts = body if announced else (body[place : place + 2**16] for place in range(0, len(body), 2**16))
        headers = {"Content-Type": "multipart/form-data; boundary=b", "Origin": doctor.own}
        return doctor.post(FORM, content=parts, headers=headers)

    blank = b"Age,Oldpeak,Sex\n" + b" " * 1_000_000
    assert form(blank * 11).status_code == 400  # it was read as a whole, and is no CSV
    large = form(b"80,2.5,M\n" * 1_500_000)
    assert large.status_code == 413
    assert "expected a file of at most 12,000,000 bytes" in text_of(large)
    assert list((pages.home / "uploads").glob("*/*")) == []


def test_a_row_of_another_length_is_left_out(doctor):
    page = result(doctor, "Age,Oldpeak,Sex\n80,2.5,M\n30,0\n")

    assert re.search(r"3 \(whole row\) 3 cells 2 cells", text_of(page))


def test_a_form_of_another_site_or_without_its_token_stores_nothing(pages, doctor, visitor):
    assert send(doctor, ROWS, origin="https://evil.example").status_code == 403
    assert send(doctor, ROWS, form_token="x" * 64).status_code == 403
    of_nobody = visitor.post(FORM, files={"file": ("a.csv", ROWS)}, headers={"Origin": visitor.own})
    assert of_nobody.status_code == 401
    assert 'name="next" value="/files/toy"' in of_nobody.text  # where to choose the file again
    late = {"Content-Type": "multipart/form-data; boundary=b", "Origin": doctor.own}
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nAge\r\n--b--\r\n'
    assert doctor.post(FORM, content=body, headers=late).status_code == 403  # a token after the file would come too late
    assert doctor.post(FORM, data={"form_token": "x"}, headers={"Origin": doctor.own}).status_code == 415
    assert stored(pages) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b"--b\r\nContent-Disposition: form-data; name=x\r\n\r\n" + b"x" * 5_000,
        b'--b\r\nContent-Disposition: form-data; name="form_token"\r\n\r\nx',
        b"--b\r\nnonsense\r\n\r\n",
        b"--b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n" * 30,
    ],
)
def test_a_body_that_is_no_form_is_refused(doctor, body):
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Origin": doctor.own}

    assert doctor.post(FORM, content=body, headers=headers).status_code == 400


def test_only_the_person_who_sent_a_file_sees_and_deletes_it(pages, doctor, add_person):
    page = result(doctor, ROWS)
    address = str(page.url).removeprefix(pages.url)
    id_ = address.partition("id=")[2]
    with Visitor(pages.url) as other:
        other.sign_in(add_person("omar"))
        assert [other.get(f"/files/toy/{what}?id={id_}").status_code for what in ("result", "predictions", "rejected")] == [404] * 3
        assert other.submit("/files/toy/delete", other.form("/account") | {"id": id_}).status_code == 404
        assert id_ not in other.get(FORM).text
    assert doctor.get("/files/toy/result?id=../../access").status_code == 404
    assert id_ in doctor.get(FORM).text

    assert doctor.submit("/files/toy/delete", doctor.form(FORM) | {"id": id_}).status_code == 303
    assert doctor.get(address).status_code == 404
    assert stored(pages) == []


def test_without_the_role_there_is_no_form(pages, add_person):
    with Visitor(pages.url) as visitor:
        visitor.sign_in(add_person("olaf", "operate"))
        assert visitor.get(FORM).status_code == 403
        assert send(visitor, ROWS).status_code == 403
        assert FORM not in visitor.get("/").text


def test_everything_in_the_folder_is_for_its_owner_only_and_neither_the_file_nor_its_rows_stay(pages, doctor):
    result(doctor, MISTAKES)

    assert {path.name for path in stored(pages)} == {
        "upload.json", "predictions.csv", "predictions.csv.rejected.csv", "shown-predictions.csv", "shown-rejected.csv"
    }  # fmt: skip
    assert {path.stat().st_mode & 0o077 for path in (pages.home / "uploads").rglob("*")} == {0}


def test_names_of_files_and_columns_never_become_html_or_headers(doctor):
    name = f'{HOSTILE}"\r\nX-Evil: 1.csv'.replace("\r\n", "%0D%0A")
    page = result(doctor, f'{HOSTILE},Age,Oldpeak,Sex\n{HOSTILE},80,2.5,M\nb,30,0,"{HOSTILE}"\n', name)

    assert "<script" not in page.text
    assert "<script" not in doctor.get(FORM).text
    assert "<script" not in send(doctor, f"{HOSTILE},Age\n1,2\n", name).text
    link = re.search(r'href="([^"]*/predictions\?id=\w+)"', page.text)
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9-]+\.csv"', doctor.get(link[1]).headers["content-disposition"])


def test_a_download_runs_no_formula(doctor):
    page = result(doctor, '=1+1,Age,Oldpeak,Sex\n"=HYPERLINK(""http://evil"")",80,2.5,M\n-5,30,-1.5,F\n=2,30,0,=x\n')

    assert [row["'=1+1"] for row in download(doctor, page, "predictions")] == ['\'=HYPERLINK("http://evil")', "-5"]
    assert download(doctor, page, "rejected")[0]["Received"] == '"=x"'


def test_an_upload_that_breaks_off_leaves_nothing(pages, doctor, soon):
    token = re.search(r'name="form_token" value="([^"]+)"', doctor.get(FORM).text)[1]
    head = (
        f"POST {FORM} HTTP/1.1\r\nHost: 127.0.0.1:{pages.port}\r\nOrigin: {pages.url}\r\nCookie: slipway={doctor.cookies['slipway']}\r\n"
        "Accept: text/html\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000000\r\n\r\n"
        f'--b\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n{token}\r\n'
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    )
    with socket.create_connection(("127.0.0.1", pages.port)) as sock:
        sock.sendall(head.encode() + b"1,2,3\n" * 300_000)
        assert soon(lambda: stored(pages))

    assert soon(lambda: not stored(pages))
    assert list((pages.home / "uploads").glob("*/*")) == []


def test_a_large_download_comes_whole(pages, doctor):
    page = result(doctor, "id,Age,Oldpeak,Sex\n" + "".join(f"patient-{row},80,2.5,M\n" for row in range(20_000)))

    answers = download(doctor, page, "predictions")
    assert len(answers) == 20_000
    assert answers[-1]["id"] == "patient-19999"


def test_a_person_keeps_at_most_twenty_files(doctor):
    for _ in range(20):
        result(doctor, ROWS)

    assert "You have 20 files, which is the limit. Delete one below." in text_of(send(doctor, ROWS))


def test_a_large_file_without_a_platform_is_refused_and_leaves_nothing(pages, doctor):
    reply = send(doctor, "Age,Oldpeak,Sex\n" + "80,2.5,M\n" * 100_001)

    assert reply.status_code == 503
    assert "text/html" in reply.headers["content-type"]
    assert list((pages.home / "uploads").glob("*/*")) == []


# in a real browser


@pytest.fixture
def browse(pages: Gateway, doctor: Visitor, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open the form in a window of its own, as Anna."""
    windows = []

    def open_page(**settings: Any) -> Page:
        window = chromium.new_context(base_url=pages.url, java_script_enabled=False, **settings)
        windows.append(window)
        window.add_cookies([{"name": "slipway", "value": doctor.cookies["slipway"], "url": pages.url}])
        page = window.new_page()
        page.goto("/")
        card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="toy"))  # other tests serve other models
        card.get_by_role("link", name=re.compile("A file of rows|Un archivo de filas")).click()
        return page

    yield open_page
    for window in windows:
        window.close()


@pytest.mark.parametrize(("locale", "width", "scheme"), [("en-GB", 1280, "light"), ("es-CO", 390, "dark")])
def test_a_person_sends_a_file_with_three_bad_rows_reads_the_table_and_downloads_the_predictions(browse, tmp_path, locale, width, scheme):
    spanish = locale.startswith("es")
    page = browse(locale=locale, viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.screenshot(path=tmp_path / "form.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("Archivo" if spanish else "File", exact=True).set_input_files(
        {"name": "pacientes ñ.csv", "mimeType": "text/csv", "buffer": MISTAKES.encode()}
    )
    page.get_by_role("button", name="Predecir" if spanish else "Predict").click()

    page.get_by_role("heading", level=1, name="pacientes ñ.csv").wait_for()
    table = page.get_by_role("region", name="Errores" if spanish else "Mistakes")
    assert table.locator("tbody tr").count() == 3
    assert "400" in table.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / "result.png", full_page=True)
    with page.expect_download() as found:
        page.get_by_role("link", name="Descargar las predicciones" if spanish else "Download the predictions").click()
    assert found.value.suggested_filename == "pacientes-n-predictions.csv"
    assert len(Path(found.value.path()).read_text("utf-8-sig").splitlines()) == 3
