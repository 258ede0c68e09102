"""A person on call sees what is in service, what is the matter and what happened: a real gateway, ledger, journal and log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from slipway.access import keys, users
from slipway.access.callers import Grant
from slipway.access.records import read
from slipway.lifecycle.ledger import Ledger, LedgerEntry
from slipway.monitoring.findings import Alarm, ColumnDrift, DriftFinding, Performance, Window
from slipway.monitoring.journal import Journal, Switch
from slipway.monitoring.published import Latest, publish
from tests.gateway.conftest import Gateway, _build, _free_port
from tests.pages.conftest import PASSWORD, Person, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MODEL = "heart-failure"
HOSTILE = '"><script>alert(1)</script>'
BEGIN = datetime(2026, 11, 20, 5, tzinfo=UTC)
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}


def entry(event: str, version: int, day: int, **changes: Any) -> LedgerEntry:
    parts: dict[str, Any] = {
        "event": event, "model": MODEL, "version": version, "previous": version - 1 or None, "aliases": [], "stage": "",
        "metrics": {"accuracy": 0.9076, "f1": 0.912}, "confusion_matrix": [], "data_sha256": "ab" * 32, "sample": False,
        "run_id": f"{version}" * 32, "why": "passed the gate", "run_url": "http://127.0.0.1:4200/runs/flow-run/1", "started_by": "shell",
        "who": "anna@clinic", "at": (BEGIN + timedelta(days=day)).isoformat(timespec="milliseconds"),
    }  # fmt: skip
    return LedgerEntry(**parts | changes)


def windows() -> Iterator[Window]:
    for number in range(1, 5):
        first = BEGIN + timedelta(days=number)
        about = {"model": MODEL, "version": 3, "number": number, "first": first, "last": first, "rows": 500, "judged": True}
        if number % 2:
            far = ColumnDrift(
                column=f"Oldpeak {HOSTILE}", distance_by="wasserstein", distance=0.1 * number, threshold=0.25, test="ks", p_value=0.001,
                significance=0.01, drifted=number > 2,
            )  # fmt: skip
            yield Window(
                **about, kind="served", reason=f"window {number}", drift=DriftFinding(columns=[far], prediction=None, new={}, absent={})
            )
        else:
            found = Performance(
                metric="accuracy", figure=0.89, low=0.8595, high=0.9145, registered=0.9076, floor=0.86, worse=False, below_floor=False,
                hits=445, misses=55, metrics={}, confusion_matrix=[], slices=[],
            )  # fmt: skip
            yield Window(**about, kind="outcomes", reason=f"window {number}", performance=found)


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """heart-failure with all that can be the matter, toy without a line in the ledger, and no Prefect and no MLflow."""
    home = tmp_path_factory.mktemp("operated")
    gateway = Gateway(home)
    keys.add(home, "tester", gateway.key)
    (home / ".env").write_text("SLIPWAY_PREFECT_PORT=1\nSLIPWAY_MLFLOW_PORT=1\nSLIPWAY_TRUSTED_PROXIES=127.0.0.1\n")
    for version in (3, 4):
        _build(home / f"heart-{version}", MODEL, version, (0, 1), lambda age: int(age > 55))
    _build(home / "toy-1", "toy", 1, (0, 1), lambda age: int(age > 55))
    ledger, journal = Ledger(f"sqlite:///{home / 'ledger.db'}"), Journal(f"sqlite:///{home / 'ledger.db'}")
    ledger.append(entry("promoted", 2, 0))
    ledger.append(entry("promoted", 3, 1, because="the quarter's rows"))
    ledger.append(entry("rejected", 4, 2, why=f"wait {HOSTILE}", run_url="javascript:alert(1)", started_by="run page", who=HOSTILE))
    for window in windows():
        journal.add(window)
    journal.add(Alarm(model=MODEL, version=3, kind="drift", windows=[3], reason=f"it drifted {HOSTILE}", at=BEGIN + timedelta(days=4)))
    journal.add(Switch(model=MODEL, frozen=True, why=f"the laboratory moves {HOSTILE}", who="anna"))
    at = (BEGIN + timedelta(days=4)).isoformat()
    found = Latest(
        model=MODEL, version=3, windows=4, at=at, rows=500, metric="accuracy", figure=0.89, low=0.8595, high=0.9145, registered=0.9076,
        outcomes=500, alarm="drift", frozen=True,
    )  # fmt: skip
    publish(home, MODEL, b"<html><body>what was found</body></html>", found)
    gateway.start().serve(home / "heart-3", MODEL, _free_port())
    gateway.serve(home / "toy-1")
    for _ in range(3):
        assert gateway.ask({"dataframe_records": [{"Age": 80, "Oldpeak": 2.0, "Sex": "M"}]}).status_code == 200
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def employ(operated: Gateway) -> Callable[..., Person]:
    """Add a user with these roles and a second factor."""

    def add(name: str, *roles: str) -> Person:
        users.add(operated.home, name, PASSWORD, [Grant.parse(role) for role in roles], with_second_factor=True)
        return Person(operated.home, name, read(operated.home).users[name].second_factor or "")

    return add


@pytest.fixture(scope="module")
def olga(employ: Callable[..., Person]) -> Person:
    return employ("olga", "operate")


@pytest.fixture
def operator(operated: Gateway, olga: Person) -> Iterator[Visitor]:
    """Olga, signed in, who reads English."""
    with Visitor(operated.url) as visitor:
        assert visitor.sign_in(olga).status_code == 303
        yield visitor


def text_of(reply: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", reply.text)).split())


def rows_of_table(reply: httpx.Response) -> dict[str, str]:
    """Return what the table of the models says of each."""
    found = {}
    for row in re.findall(r"<tr role=\"row\">\s*<th scope=\"row\".*?</tr>", reply.text, flags=re.DOTALL):
        words = " ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split())
        found[words.split()[0]] = words
    return found


def test_a_person_on_call_sees_what_needs_a_person_first(operator):
    reply = operator.get("/service")

    table = rows_of_table(reply)
    assert reply.status_code == 200
    assert list(table)[:2] == [MODEL, "toy"]  # an alarm before records that disagree, and those before what is not in service
    assert "2 of" in text_of(reply)
    assert "need a person" in text_of(reply)
    heart = table[MODEL]
    for words in (
        "Alarm Alarms frozen Automations on hold", "The rows or the answers have drifted.", "the laboratory moves", "Version 3",
        "since 21 Nov 2026, 05:00", "accuracy 1.000", "accuracy 0.890 (0.860 to 0.914) by 500 outcomes",
    ):  # fmt: skip
        assert words in heart, words
    assert "Records disagree" in table["toy"]
    assert "the ledger has no line that put it into service" in table["toy"]
    assert "3 requests" in table["toy"]
    assert re.search(r"95% within \d", table["toy"])
    assert "Not in service" in table["diabetes"]
    assert "Not answering: Prefect." in text_of(reply)
    assert len(reply.content) < 60_000


def test_the_page_of_a_model_answers_what_is_in_service_since_when_by_whom_and_why(operator):
    reply = operator.get(f"/service/{MODEL}")

    said = text_of(reply)
    assert reply.status_code == 200
    for words in (
        "Version 3", "Since 21 Nov 2026, 05:00", "By anna@clinic (shell)", "Why passed the gate",
        "the quarter's rows", "sha256 000000000000…", "MLflow does not answer, so its alias and stage were not compared.",
        "Drift of the rows", "A column drifted in 1 of 2 windows.", "accuracy by outcomes", "floor of the gate, 0.860",
        "In the latest window, accuracy is 0.890 (0.860 to 0.914) by 500 outcomes.", "The last watch was on 24 Nov 2026, 05:00.",
        "No version is tried beside this one.", "Rejected by anna", "Report of the last watch", "slipway history heart-failure",
    ):  # fmt: skip
        assert words.replace("Rejected by anna", "Rejected") in said, words
    events = re.findall(r'data-label="Event">([\w ]+)', reply.text)
    assert [event.strip() for event in events] == ["Rejected", "Put into service", "Put into service"]
    assert "Not for patients or customers" in said  # the bundle says that it was trained on sample rows
    assert reply.text.count('role="img"') == 2
    assert len(reply.content) < 60_000
    assert ' style="' not in reply.text


def test_what_persons_and_files_say_never_becomes_html_or_a_script(operator):
    for path in ("/service", f"/service/{MODEL}"):
        page = operator.get(path).text
        assert "<script" not in page
        assert "javascript:" not in page
        assert "&lt;script&gt;" in page


def test_a_model_shows_its_latency_and_its_requests(operator):
    said = text_of(operator.get("/service/toy"))

    assert "Time to answer" in said
    assert re.search(r"Of the latest 3 requests, 95% were answered within [\d.]+ ms", said)
    assert "The ledger has no line about this model." in said
    assert "Not known: the ledger has no line about it" in said


def test_a_challenger_is_shown_with_the_requests_that_it_answers_and_how_often_both_agree(operated, operator, soon):
    from slipway.bundle.store.challenger import challenge, end

    challenge(operated.home / "heart-4", operated.store, 0.25)
    try:
        assert "Version 4 is tried with 25% of the requests" in rows_of_table(operator.get("/service"))[MODEL]
        row = {"dataframe_records": [{"Age": 80, "Oldpeak": 2.0, "Sex": "M"}]}
        assert soon(lambda: (operated.status(MODEL).get("challenger") or {}).get("version") == 4)
        sent = httpx.post(f"{operated.url}/models/{MODEL}/invocations", json=row, headers=operated.bearer)
        assert sent.status_code == 200

        shown = soon(lambda: "Both answered 1 row; the same answer: 100.0%." in text_of(operator.get(f"/service/{MODEL}")))

        assert shown
    finally:
        end(operated.store, MODEL)


def test_the_report_of_the_last_watch_opens_for_a_person_who_is_signed_in(operator, visitor_of):
    reply = operator.get(f"/service/{MODEL}/report")

    assert (reply.status_code, reply.text) == (200, "<html><body>what was found</body></html>")
    assert reply.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    assert operator.get("/service/toy/report").status_code == 404
    assert visitor_of().get(f"/service/{MODEL}/report").status_code == 303


@pytest.fixture
def visitor_of(operated: Gateway) -> Iterator[Callable[[], Visitor]]:
    visitors: list[Visitor] = []

    def make() -> Visitor:
        visitors.append(Visitor(operated.url))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.close()


def test_nobody_sees_a_model_without_the_role_for_it(employ, visitor_of):
    for name, roles, of_list, of_model in (
        ("nora", ["predict", "outcome", "audit"], 403, 403),
        ("otto", ["operate:toy"], 200, 403),
        ("hans", [f"operate:{MODEL}"], 200, 200),
    ):
        visitor = visitor_of()
        visitor.sign_in(employ(name, *roles))
        found = visitor.get("/service")
        assert found.status_code == of_list, name
        assert visitor.get(f"/service/{MODEL}").status_code == of_model, name
        assert visitor.get(f"/service/{MODEL}/report").status_code == of_model, name
        if name == "otto":
            assert list(rows_of_table(found)) == ["toy"]
    assert visitor_of().get("/service").headers["location"] == "/sign-in?next=/service"


@pytest.mark.parametrize("model", ["no-such", "..%2f..", "%00", "heart-failure-boosting", "x" * 300])
def test_a_model_that_is_none_is_not_found(operator, model):
    assert operator.get(f"/service/{model}").status_code == 404


# in a real browser


@pytest.fixture
def browse(operated: Gateway, olga: Person, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page in a window of its own, as Olga, without script."""
    with Visitor(operated.url) as visitor:
        visitor.sign_in(olga)
        cookie = visitor.cookies["slipway"]
    opened = []

    def open_page(path: str, **settings: Any) -> Page:
        window = chromium.new_context(java_script_enabled=False, **settings)
        opened.append(window)
        window.add_cookies([{"name": "slipway", "value": cookie, "url": operated.url}])
        page = window.new_page()
        page.goto(f"{operated.url}{path}")
        return page

    yield open_page
    for window in opened:
        window.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_pages_fit_the_screen_in_both_languages(browse, size, scheme, tmp_path):
    for locale, words in (("en-GB", "Alarm"), ("es-CO", "Alarma")):
        for path in ("/service", f"/service/{MODEL}"):
            page = browse(path, viewport=SIZES[size], color_scheme=scheme, locale=locale)
            page.screenshot(path=tmp_path / f"{locale}-{size}-{scheme}{path.replace('/', '-')}.png", full_page=True)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= SIZES[size]["width"], (path, locale, width)
            assert page.get_by_text(words, exact=True).first.is_visible()


def test_a_chart_has_a_name_and_a_sentence_and_opens_as_a_table_by_keyboard(browse):
    page = browse(f"/service/{MODEL}")

    chart = page.get_by_role("img", name="Drift of the rows")
    assert chart.is_visible()
    section = page.locator("section.chart").first
    assert not section.locator("table").is_visible()
    section.locator("summary").focus()
    page.keyboard.press("Enter")
    assert section.locator("table tbody tr").count() == 2
    assert section.locator("table").is_visible()


def test_from_the_table_to_a_model_and_back(browse):
    page = browse("/service", locale="en-GB")

    page.get_by_role("link", name=MODEL).click()

    assert page.get_by_role("heading", level=1).inner_text().startswith(MODEL)
    page.get_by_role("link", name="All models").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Service"
