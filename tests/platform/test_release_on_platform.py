"""The commands of an operator, one after another, on a platform started by `slipway up`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from deployments.demo import curl
from deployments.operations.runs import progress
from deployments.server import approvals
from deployments.server.manifest import deployments as declared
from deployments.server.manifest import full_name
from deployments.server.prefect_api import PrefectServer
from slipway.audit import Wanted, history, predictions
from slipway.catalogue import lookup
from slipway.data import samples, validation
from slipway.settings import Settings
from slipway.training import splitting
from tests.platform.conftest import MODEL, Operator, wait_until
from tests.support.browser import chromium, signed_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

LOADS_WITHIN, RUNS_WITHIN = 60_000.0, 180_000.0  # milliseconds, on a busy machine

pytestmark = [pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def settings(operator: Operator) -> Settings:
    return operator.settings


def test_release_from_the_shell_is_promoted_and_stands_in_the_history(operator, released):
    assert released["outcome"] == "promoted"
    entry = operator.history()[-1]
    assert (entry["event"], entry["version"], entry["aliases"], entry["stage"]) == ("promoted", 1, ["champion"], "Production")
    assert {"accuracy", "recall", "f1", "f1_macro", "roc_auc"} <= entry["metrics"].keys()
    assert entry["run_id"] == released["candidate"]["run_id"]


def test_printed_curl_works_when_pasted(released, settings):
    answer = subprocess.run(["bash", "-c", curl(settings) + " --silent --fail"], capture_output=True, text=True)

    assert json.loads(answer.stdout)["predictions"][0] in (0, 1)


def test_run_is_recorded_on_the_platforms_prefect_server(released, settings):
    run = newest_release(f"{settings.prefect_url}/api")

    assert (run["name"], run["state_name"]) == (f"release-{MODEL}", "Promoted")
    of_deployment = httpx.get(f"{settings.prefect_url}/api/deployments/{run['deployment_id']}").json()
    assert (of_deployment["name"], set(run["tags"])) == (MODEL, set(of_deployment["tags"]))  # Prefect keeps no order


def newest_release(api: str) -> dict:
    """Return the release that began last; runs that are scheduled have not begun."""
    wanted = {"flows": {"name": {"any_": ["release"]}}, "flow_runs": {"start_time": {"is_null_": False}}, "sort": "START_TIME_DESC"}
    return httpx.post(f"{api}/flow_runs/filter", json=wanted | {"limit": 1}).json()[0]


def test_mlflow_serves_the_same_model_under_stage_and_alias_as_the_endpoint(operator, released, settings, monkeypatch):
    import mlflow

    spec = lookup(MODEL)
    test = splitting.split(spec, validation.validate(spec, samples.generate(spec, operator.home / "again").path)).test
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.mlflow_url)
    mlflow.set_tracking_uri(settings.mlflow_url)
    mlflow.set_registry_uri(settings.mlflow_url)  # tests before this one used registries of their own in this process
    answers = httpx.post(
        released["smoke_test"]["endpoint"]["url"],
        json=json.loads(json.dumps({"dataframe_split": test.astype(object).to_dict(orient="split", index=False)})),
        headers={"Authorization": f"Bearer {settings.api_key.get_secret_value()}"},
    )

    assert len(test) == 184
    for address in (f"models:/{spec.registered_as}/Production", f"models:/{spec.registered_as}@champion"):
        assert mlflow.pyfunc.load_model(address).predict(test).tolist() == answers.json()["predictions"]


def test_patients_are_scored_from_the_shell_and_the_status_shows_the_rejected_one(operator, released, tmp_path):
    spec = lookup(MODEL)
    frame = samples.draw(spec, samples.statistics(spec)).head(20)
    frame.loc[7, "Age"] = 300
    frame.to_csv(tmp_path / "patients.csv", index=False)

    ran = operator.slipway("score", MODEL, str(tmp_path / "patients.csv"), "--through", "endpoint", "--json", status=3)

    scored = json.loads(ran.stdout)
    assert (scored["scored"], scored["rejected"], scored["versions"]) == (19, 1, {"1": 19})
    assert len(Path(scored["destination"]).read_text().splitlines()) == 20  # with the header
    assert Path(scored["rejected_to"]).read_text().splitlines()[1].startswith("7,Age,")


def test_simulated_rows_are_sent_from_the_shell_under_a_key_of_their_own(operator, released, settings):
    ran = operator.slipway("simulate", MODEL, "--drift", "concept", "--rows", "40", "--no-watch", "--json")

    printed = json.loads(ran.stdout)
    assert (printed["rows"], printed["size"], printed["watch"]) == (40, 0.3, None)
    assert printed["outcomes"] == {"recorded": 40, "corrected": 0, "repeated": 0}
    lines = predictions(settings.home, Wanted(model=MODEL, caller="key:simulation"))
    assert len(lines) == 40
    assert {history(settings.home, line.prediction_id)[0].key for line in lines} == {"key:simulation"}


def test_deployment_run_releases_through_the_worker_and_its_log_holds_slipways_lines(operator, released, settings):
    api = f"{settings.prefect_url}/api"
    command = ("deployment", "run", f"release/{MODEL}", "--param", "sample=true", "--param", "trials=3", "--watch")
    ran = subprocess.run(
        [sys.executable, "-m", "prefect", *command],
        env=operator.environment | {"PREFECT_API_URL": api},
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    newest = newest_release(api)
    assert newest["state_name"] == "Promoted"
    query = {"logs": {"flow_run_id": {"any_": [newest["id"]]}}, "limit": 200}
    lines = [line["message"] for line in httpx.post(f"{api}/logs/filter", json=query).json()]
    assert any("test rows scored: accuracy" in line for line in lines), lines
    assert operator.history()[-1]["version"] == 2


@pytest.fixture(scope="module")
def page(operator: Operator, released: dict, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The gateway's pages in a real browser, for an operator who is signed in; a picture of the last one is kept."""
    with chromium() as browser:
        page = signed_in(browser, operator.settings.gateway_url, operator.home, "olga", "operate", "predict")
        page.set_default_timeout(LOADS_WITHIN)
        yield page
        page.screenshot(path=tmp_path_factory.mktemp("pages") / "page.png", full_page=True)


def test_a_large_file_is_predicted_by_a_run_whose_progress_the_page_shows(operator, released, settings, page, tmp_path):
    sample = samples.generate(lookup(MODEL), tmp_path).path.read_text().splitlines()
    rows = [*(sample[1:] * (100_003 // (len(sample) - 1) + 1))[:100_003], sample[1].replace(sample[1].split(",")[0], "400", 1), "1,2,3"]
    (tmp_path / "patients.csv").write_text("\n".join([sample[0], *rows]))
    page.goto(f"/files/{MODEL}")
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "patients.csv")
    page.get_by_role("button", name="Predict").click()

    page.get_by_role("status").wait_for(timeout=LOADS_WITHIN)
    assert "This page loads itself again every 5 seconds." in page.locator("main").inner_text()
    page.screenshot(path=tmp_path / "waiting.png", full_page=True)
    page.get_by_text("100,003 rows have a prediction.").wait_for(timeout=RUNS_WITHIN)
    assert "2 rows were left out" in page.locator("main").inner_text()
    assert page.get_by_role("region", name="Mistakes").locator("tbody tr").all_inner_texts()[0].split("\t")[:2] == ["100005", "Age"]
    page.screenshot(path=tmp_path / "done.png", full_page=True)
    with page.expect_download() as found:
        page.get_by_role("link", name="Download the predictions").click()
    lines = Path(found.value.path()).read_text("utf-8-sig").splitlines()
    assert (len(lines), lines[1].partition(",")[0], lines[-1].partition(",")[0]) == (100_004, "2", "100004")
    newest = {"flows": {"name": {"any_": ["score"]}}, "sort": "EXPECTED_START_TIME_DESC", "limit": 1}
    (run,) = httpx.post(f"{settings.prefect_url}/api/flow_runs/filter", json=newest).json()
    assert run["labels"]["slipway.who"] == "user:olga"
    assert progress(settings, run["id"]) == 100.0


def test_an_operator_rolls_back_on_the_page_and_lets_automations_go_on(operator, settings, page):
    page.goto(f"/service/{MODEL}/roll-back")
    page.get_by_role("button", name="Roll back").click()
    assert "Enter a reason." in page.get_by_role("alert").inner_text()
    page.get_by_label("Reason").fill("<b>for the test</b>")

    page.get_by_role("button", name="Roll back").click()

    page.get_by_text("from version 2 back to version 1: <b>for the test</b>").wait_for(timeout=RUNS_WITHIN)
    entry = operator.history()[-1]
    assert (entry["event"], entry["version"], entry["previous"], entry["why"]) == ("rolled back", 1, 2, "<b>for the test</b>")
    assert (entry["who"], entry["started_by"]) == ("user:olga", "gateway's page")
    at, run = entry["run_url"].rsplit("/", 1)
    assert at == f"{settings.prefect_url}/runs/flow-run"
    assert httpx.get(f"{settings.prefect_url}/api/flow_runs/{run}").json()["state_name"] == "RolledBack"
    again = operator.slipway("rollback", MODEL, "--because", "for the test")
    assert f"{MODEL}: already in service" in again.stdout

    page.goto(f"/service/{MODEL}/resume")  # the next tests start releases as schedules and alarms do
    assert "user:olga rolled back to version 1" in page.locator("main").inner_text()
    page.get_by_label("Reason").fill("it was a test")
    page.get_by_role("button", name="Let them go on").click()
    page.get_by_text("Automations go on.").wait_for()
    assert [operator.history()[-1][key] for key in ("event", "who", "why")] == ["resumed", "user:olga", "it was a test"]


def test_an_operator_starts_the_release_of_a_challenger_on_the_page(operator, settings, page):
    lines = len(operator.history())
    page.goto(f"/service/{MODEL}/release")
    page.get_by_label(f"{MODEL}-boosting").check()
    page.get_by_label("Dry run").check()
    page.get_by_label("Use sample rows").check()
    page.get_by_label("Reason").fill("is boosting worth it?")

    page.get_by_role("button", name="Start the release").click()

    page.get_by_role("heading", name=f"release-{MODEL}-boosting").wait_for()
    run = httpx.get(f"{settings.prefect_url}/api/flow_runs/{page.url.partition('id=')[2]}").json()
    ordered = {"name": f"{MODEL}-boosting", "sample": True, "dry_run": True, "because": "is boosting worth it?"}
    assert run["parameters"] | ordered == run["parameters"]
    assert run["labels"]["slipway.who"] == "user:olga"
    page.get_by_text("Has ended").wait_for(timeout=RUNS_WITHIN)
    assert len(operator.history()) == lines  # a dry run changes nothing


def test_a_deployment_that_waits_for_approval_keeps_its_slot_and_goes_on_when_an_operator_approves(operator, settings, page):
    before = max(entry["version"] for entry in operator.history())
    first = start(settings, approval=True)
    wait_until(lambda: approvals.waiting(settings, MODEL), 120)
    assert [one["model"] for one in json.loads(operator.slipway("approvals", "--json").stdout)] == [MODEL]
    second = start(settings)  # as the clock's schedule does
    wait_until(lambda: state(settings, second)["type"] == "CANCELLED", 60)
    assert state(settings, second)["message"] == "Deployment concurrency limit reached."
    assert state(settings, first)["type"] == "RUNNING"
    mlflow = next(s for s in json.loads(operator.slipway("status", "--json").stdout) if s["name"] == "mlflow")
    psutil.Process(mlflow["pid"]).kill()
    wait_until(lambda: psutil.pid_exists(mlflow["pid"]) is False, 10)
    wait_until(lambda: answers(f"{settings.mlflow_url}/health"), 60)

    page.goto(f"/service/{MODEL}/approve")
    page.get_by_text("Figures on the test rows").wait_for()
    page.get_by_label("Approve: it is put into service and tested").check()
    page.get_by_label("Reason").fill("the figures hold")
    page.get_by_role("button", name="Send the decision").click()
    page.get_by_text("The version is approved").wait_for()

    wait_until(lambda: state(settings, first)["type"] == "COMPLETED", 120)
    assert state(settings, first)["name"] == "Promoted"
    entries = operator.history()[-2:]
    assert [(entry["event"], entry["version"]) for entry in entries] == [("approved", before + 1), ("promoted", before + 1)]
    assert entries[0]["run_url"].startswith(settings.prefect_url)
    assert entries[0]["who"] == "user:olga"
    page.goto(f"/service/{MODEL}/approve")
    assert "Nothing waits for approval." in page.locator("main").inner_text()


def start(settings: Settings, **parameters: object) -> str:
    """Start a run of the deployment and return its id."""
    asked = {"parameters": {"sample": True, "trials": 3} | parameters}
    with PrefectServer(f"{settings.prefect_url}/api") as server:  # which asks again when the database is busy, as Prefect's own client does
        deployment = server.call("GET", f"/deployments/name/release/{MODEL}")["id"]
        return server.call("POST", f"/deployments/{deployment}/create_flow_run", asked)["id"]


def state(settings: Settings, run: str) -> dict:
    return httpx.get(f"{settings.prefect_url}/api/flow_runs/{run}").json()["state"]


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def test_sample_figures_and_reports_are_artifacts_of_the_run(released, settings):
    artifacts = httpx.post(f"{settings.prefect_url}/api/artifacts/filter", json={}).json()

    report = next(artifact for artifact in artifacts if artifact["key"] == f"release-{MODEL}")
    assert settings.mlflow_url in report["data"]
    assert {artifact["key"] for artifact in artifacts} >= {f"tuning-{MODEL}", f"mlflow-run-{MODEL}"}


def test_up_again_changes_nothing(operator, settings, released):
    before = json.loads(operator.slipway("status", "--json").stdout)

    operator.slipway("up")

    after = json.loads(operator.slipway("status", "--json").stdout)
    assert [one.get("pid") for one in after] == [one.get("pid") for one in before]
    deployments = json.loads(operator.slipway("deploy", "--dry-run", "--json").stdout)
    assert {one["deployment"] for one in deployments} == {full_name(deployment) for deployment in declared()}
    assert {one["action"] for one in deployments} == {"keep"}


def test_status_says_whether_work_would_be_done_and_gives_the_command_that_mends_it(operator, settings):
    assert "well" in operator.slipway("status").stdout
    pool = "/work_pools/slipway"
    with PrefectServer(f"{settings.prefect_url}/api") as server:
        server.call("PATCH", pool, {"is_paused": True})
        try:
            found = {one["name"]: one for one in json.loads(operator.slipway("status", "--json", status=3).stdout)}
            address, _, command = found["work pool"]["mend"].partition(" prefect ")
            environment = operator.environment | dict([address.split("=", 1)])
            subprocess.run([sys.executable, "-m", "prefect", *command.split()], env=environment, check=True, capture_output=True)
            assert server.call("GET", pool)["is_paused"] is False
        finally:
            server.call("PATCH", pool, {"is_paused": False})

    assert found["work pool"]["state"] == "wrong"
    assert all(found[name]["answering"] for name in ("prefect", "mlflow", "worker", "gateway", "watchman"))
    operator.slipway("status")


def test_gateway_holds_less_than_100_mb(operator, released):
    gateway = next(s for s in json.loads(operator.slipway("status", "--json").stdout) if s["name"] == "gateway")

    assert psutil.Process(gateway["pid"]).memory_info().rss < 100e6


def test_no_key_stands_in_logs_or_databases(operator, settings, released):
    key = settings.api_key.get_secret_value().encode()

    holders = [path.name for path in operator.home.rglob("*") if path.is_file() and key in path.read_bytes()]

    assert holders == ["credentials.env"]
