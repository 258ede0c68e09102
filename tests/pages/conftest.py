"""One gateway for all tests of pages, users with known secrets, visitors without a browser, and a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pyotp
import pytest

from slipway.access import keys, users
from slipway.access.callers import Grant
from slipway.access.records import change, read
from slipway.spec import ModelSpec
from tests.gateway.conftest import Gateway, _build, _free_port
from tests.support import browser
from tests.support.browser import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PATIENT = {
    "value:gender": "=Female",
    "value:age": "61",
    "value:hypertension": "=1",
    "value:heart_disease": "=0",
    "value:smoking_history": "=never",
    "value:bmi": "31,4",
    "value:HbA1c_level": "8,1",
    "value:blood_glucose_level": "240",
}
BROWSER = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en"}


@dataclass(frozen=True)
class Person:
    """A user of the gateway, and the secret of the second factor, "" without one."""

    home: Path
    name: str
    secret: str = ""

    def code(self) -> str:
        """Return a code that was not used yet: a code is valid once, so the record of the last one is taken away."""
        import msgspec

        def unused(content):
            user = msgspec.structs.replace(content.users[self.name], last_step=0)
            return msgspec.structs.replace(content, users=content.users | {self.name: user})

        change(self.home, unused)
        return pyotp.TOTP(self.secret).now()


class Visitor(httpx.Client):
    """A visitor as a browser without its pictures: it keeps cookies, and sends forms as the page has them."""

    def __init__(self, url: str, **headers: str) -> None:
        super().__init__(base_url=url, headers=BROWSER | headers, timeout=30)
        self.own = url

    def form(self, page: str) -> dict[str, str]:
        """Return the hidden fields of the page's last form."""
        text = self.get(page).text
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text[text.rindex("<form") :]))

    def submit(self, path: str, fields: dict[str, str], origin: str | None = None) -> httpx.Response:
        return self.post(path, data=fields, headers={"Origin": self.own if origin is None else origin})

    def sign_in(self, person: Person, wanted: str = "/") -> httpx.Response:
        fields = self.form(f"/sign-in?next={wanted}")
        code = person.code() if person.secret else ""
        return self.submit("/sign-in", fields | {"name": person.name, "password": PASSWORD, "code": code})


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with one model, for tests that leave nothing behind but users and sessions of their own."""
    home = tmp_path_factory.mktemp("pages")
    _build(home / "toy-1", "toy", 1, (0, 1), lambda age: int(age > 55))
    gateway = Gateway(home)
    keys.add(home, "tester", gateway.key)
    # a test says then what a proxy would, and locks a name out quickly
    # and no page may reach a platform that runs on this machine
    (home / ".env").write_text(
        "SLIPWAY_MAX_UPLOAD_BYTES=12000000\nSLIPWAY_TRUSTED_PROXIES=127.0.0.1\nSLIPWAY_LOCKOUT_FAILURES=4\nSLIPWAY_PREFECT_PORT=1\n"
    )
    gateway.start().serve(home / "toy-1")
    yield gateway
    gateway.stop()


@pytest.fixture(scope="session")
def add_person(pages: Gateway) -> Callable[..., Person]:
    """Add a user with these roles, and with a second factor unless it says otherwise."""

    def add(name: str, *roles: str, second_factor: bool = True) -> Person:
        grants = [Grant.parse(role) for role in roles or ("predict", "outcome")]
        users.add(pages.home, name, PASSWORD, grants, with_second_factor=second_factor)
        return Person(pages.home, name, read(pages.home).users[name].second_factor or "")

    return add


@pytest.fixture(scope="session")
def anna(add_person: Callable[..., Person]) -> Person:
    """A doctor, who may predict and record outcomes."""
    return add_person("anna")


@pytest.fixture(scope="session")
def clinic(pages: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    """The gateway of the pages, with the model diabetes in service too: a small forest on sample rows."""
    from sklearn.ensemble import RandomForestClassifier

    from slipway.bundle.cells import rows_of
    from slipway.bundle.compiling import compile_model, contract_columns, words_of
    from slipway.bundle.contract import FORMAT, Contract, Probe, of_output
    from slipway.bundle.writing import write
    from slipway.catalogue import lookup
    from slipway.data import samples
    from slipway.data.validation import validate
    from slipway.training.pipelines import build

    spec: ModelSpec = lookup("diabetes")
    folder = tmp_path_factory.mktemp("diabetes")
    frame = validate(spec, samples.generate(spec, folder).path)
    rows, labels = frame[spec.columns.names], frame["diabetes"]
    forest = RandomForestClassifier(20, max_depth=5, random_state=0)
    pipeline = build(spec, {}, instead=forest).fit(rows, labels)
    compiled = compile_model(spec, pipeline)
    output = spec.problem.output(0.35, None)
    contract = Contract(
        format=FORMAT, model=spec.name, registered_as=spec.registered_as, version=4, run_id="4" * 32, engine=compiled.engine,
        description=spec.description, columns=contract_columns(spec), target="diabetes", data_sha256="0" * 64, sample=True,
        metrics={"f1": 0.8}, mlflow_version="3.17.2", created_at="2026-11-01T00:00:00+00:00", **of_output(output),
    )  # fmt: skip
    head = rows.head(30)
    numbers = pipeline.predict_proba(head)
    probe = Probe(rows_of(head, contract.columns), output.labels(numbers), numbers.tolist())
    write(folder / "diabetes-4", compiled.files, contract, probe, words_of(spec))
    pages.serve(folder / "diabetes-4", "diabetes", _free_port())
    return pages


@pytest.fixture
def visitor(pages: Gateway) -> Iterator[Visitor]:
    """Somebody who is not signed in."""
    with Visitor(pages.url) as visitor:
        yield visitor


@pytest.fixture
def signed_in(pages: Gateway, anna: Person) -> Iterator[Visitor]:
    """Anna, signed in."""
    with Visitor(pages.url) as visitor:
        assert visitor.sign_in(anna).status_code == 303
        yield visitor


@pytest.fixture
def doctor(clinic: Gateway, anna: Person) -> Iterator[Visitor]:
    """Anna, signed in, who reads Spanish."""
    with Visitor(clinic.url, **{"Accept-Language": "es"}) as visitor:
        assert visitor.sign_in(anna).status_code == 303
        yield visitor


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser. It ends with the tests of a file: while it is open, nothing else in the process can run an event loop."""
    with browser.chromium() as started:
        yield started


@pytest.fixture
def end_sessions(pages: Gateway, soon: Callable[[Callable[[], object]], object]) -> Callable[[Visitor], None]:
    """Let the session of a visitor end."""
    import msgspec

    def end(visitor: Visitor) -> None:
        change(pages.home, lambda content: msgspec.structs.replace(content, sessions={}))
        assert soon(lambda: visitor.get("/").status_code == 303)

    return end


@pytest.fixture
def soon() -> Callable[[Callable[[], object]], object]:
    """Return the first true value of a condition, which comes within a second or two."""

    def wait(condition: Callable[[], object]) -> object:
        deadline = time.monotonic() + 5
        while not (value := condition()) and time.monotonic() < deadline:
            time.sleep(0.02)  # the pause between two looks
        return value

    return wait


def predict(visitor: Visitor, values: dict[str, str], path: str = "/predict/diabetes") -> httpx.Response:
    return visitor.submit(path, visitor.form("/predict/diabetes") | values)


def text_of(reply: httpx.Response) -> str:
    """Return the words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", reply.text)).split())
