"""The real run page in a real browser: what an operator finds there, and a schedule that was set there and fires."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deployments.server.manifest import KINDS
from deployments.server.manifest import deployments as declared
from deployments.server.prefect_api import PrefectServer
from tests.platform.conftest import MODEL, Operator, wait_until
from tests.support.browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page

LOADS_WITHIN = 60_000.0  # milliseconds, for the first page on a busy machine
LOOKED_FOR_EVERY = 10  # seconds; how often the server looks for schedules

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def server(operator: Operator) -> Iterator[PrefectServer]:
    with PrefectServer(f"{operator.settings.prefect_url}/api") as server:
        yield server


@pytest.fixture(scope="module")
def deployment(server: PrefectServer) -> dict[str, Any]:
    return server.call("GET", f"/deployments/name/release/{MODEL}")


@pytest.fixture(scope="module", autouse=True)  # so that the minute comes while the other tests look at the pages
def scheduled(server: PrefectServer, deployment: dict[str, Any], released: dict) -> datetime:
    """The minute for which a rehearsal was scheduled, as the run page does it: the next one that the server cannot miss."""
    when = (datetime.now(UTC) + timedelta(seconds=2 * LOOKED_FOR_EVERY + 60)).replace(second=0, microsecond=0)
    time = {"cron": f"{when.minute} {when.hour} {when.day} {when.month} *", "timezone": "UTC"}
    once = {"schedule": time, "active": True, "parameters": {"sample": True, "trials": 1, "dry_run": True}}
    server.call("POST", f"/deployments/{deployment['id']}/schedules", [once])
    return when


def switches(deployment: dict[str, Any]) -> list[str]:
    """Return the parameters that are yes or no."""
    fields = deployment["parameter_openapi_schema"]["properties"]
    return [name for name, field in fields.items() if field.get("type") == "boolean"]


@pytest.fixture(scope="module")
def page(operator: Operator) -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page(base_url=operator.settings.prefect_url, viewport={"width": 1400, "height": 1600})
        page.set_default_timeout(LOADS_WITHIN)
        yield page


@pytest.fixture
def shown(page: Page, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Open an address and wait until all of these words are there; a picture of it is kept with the test's files."""

    def show(address: str, *words: str) -> Page:
        page.goto(address)
        for word in words:
            page.get_by_text(word).first.wait_for()
        return page

    yield show
    page.screenshot(path=tmp_path / "page.png", full_page=True)


def test_every_deployment_is_listed(shown):
    page = shown("/deployments", f"{len(declared())} Deployments")

    page.get_by_placeholder("Search deployments").fill(MODEL)
    for flow in KINDS:
        page.get_by_role("row").filter(has_text=MODEL).filter(has_text=flow).first.wait_for()


def test_the_form_of_a_release_says_what_each_field_is_and_offers_its_model(deployment, shown):
    page = shown(f"/deployments/deployment/{deployment['id']}/run", "Stop after the gate, and change neither registry nor service.")

    text = " ".join(page.locator("body").inner_text().split())
    for field in deployment["parameter_openapi_schema"]["properties"].values():
        assert field["title"] in text
        assert " ".join(field["description"].replace("`", "").split()) in text  # Markdown, as the page shows it
    assert 'Property is type "None"' not in text  # what Prefect makes of a parameter that may be left out
    assert page.get_by_role("switch").count() == len(switches(deployment))


def test_the_form_of_rolling_back_asks_why(server, shown):
    rollback = server.call("GET", f"/deployments/name/rollback/{MODEL}")

    shown(f"/deployments/deployment/{rollback['id']}/run", "because", "to (Optional)")


def test_the_schedules_are_on_the_page_of_the_deployment(scheduled, deployment, shown):
    shown(f"/deployments/deployment/{deployment['id']}", "slipway-monthly", f"At {scheduled:%I:%M %p}")


def test_the_artifacts_of_a_release_are_in_its_run(server, released, shown):
    asked = {"flow_runs": {"name": {"any_": [f"release-{MODEL}"]}, "state": {"name": {"any_": ["Promoted"]}}}}
    run = server.call("POST", "/flow_runs/filter", asked)[0]
    page = shown(f"/runs/flow-run/{run['id']}", "Task Runs")

    page.get_by_text("Artifacts", exact=True).last.click()
    for key in (f"release-{MODEL}", f"card-{MODEL}", f"mlflow-run-{MODEL}"):
        page.get_by_text(key).last.wait_for()


def test_the_report_of_a_release_has_figures_and_pictures(server, released, shown):
    report = server.call("POST", "/artifacts/filter", {"artifacts": {"key": {"any_": [f"release-{MODEL}"]}}})[0]
    page = shown(f"/artifacts/artifact/{report['id']}", "accuracy")

    page.locator("img[src^='data:image/png']").first.wait_for()


@pytest.mark.drill
def test_the_schedule_fires(server, deployment, scheduled):
    def runs() -> list[dict[str, Any]]:
        asked = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}, "expected_start_time": {"after_": scheduled.isoformat()}}}
        return [
            run for run in server.call("POST", "/flow_runs/filter", asked) if run["auto_scheduled"] and run["state_type"] == "COMPLETED"
        ]

    wait_until(runs, 300)

    (run,) = runs()
    assert run["state_name"] == "DryRun"
    early = timedelta(seconds=1)  # a worker has the process of a run ready in time, and may be some tenths of a second too early
    assert scheduled - early <= datetime.fromisoformat(run["start_time"]) < scheduled + timedelta(minutes=2)
