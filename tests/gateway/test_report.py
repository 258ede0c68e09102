"""An operator sees the report of the last watch in a browser, where its scripts run and can reach no address."""

from __future__ import annotations

import base64
import http.server
import shutil
import threading

import httpx
import pytest

from slipway import audit
from slipway.access import keys
from slipway.access.callers import Grant
from slipway.monitoring.published import Latest, publish

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
FOUND = Latest(model="toy", version=1, windows=1, at="2026-11-01T08:00:00+00:00", rows=500)
REPORT = b"<html><body><p>what was found</p></body></html>"


def basic(password, name="anna"):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def report(gateway, headers, model="toy"):
    return httpx.get(f"{gateway.url}/models/{model}/report", headers=headers)


@pytest.fixture
def watched(serving):
    publish(serving.home, "toy", REPORT, FOUND)
    return serving


def test_the_report_comes_with_a_policy_of_its_own(watched):
    reply = report(watched, watched.bearer)
    other = httpx.get(f"{watched.url}/models/toy", headers=watched.bearer)

    assert (reply.status_code, reply.content, reply.headers["content-type"]) == (200, REPORT, "text/html; charset=utf-8")
    [policy] = reply.headers.get_list("content-security-policy")
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline';")
    assert "frame-ancestors 'none'" in policy
    assert {name: reply.headers[name] for name in ("x-content-type-options", "cache-control", "x-frame-options")} == {
        "x-content-type-options": "nosniff", "cache-control": "no-store", "x-frame-options": "DENY"
    }  # fmt: skip
    assert other.headers["content-security-policy"].startswith("default-src 'none'")
    assert httpx.get(f"{watched.model_url}/report", headers=watched.bearer).content == REPORT


def test_a_browser_may_send_the_key_as_a_password_and_only_here(watched):
    assert report(watched, basic(watched.key)).status_code == 200
    assert report(watched, basic(watched.key, name="")).status_code == 200
    assert httpx.get(f"{watched.url}/models/toy", headers=basic(watched.key)).status_code == 401
    assert httpx.get(f"{watched.url}/metrics", headers=basic(watched.key)).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {}, basic("wrong"), basic(""), {"Authorization": "Basic"}, {"Authorization": "Basic !"}, {"Authorization": "Basic YQ=="},
        {"Authorization": "Digest x"}, {"Authorization": "Bearer slw_wrong"},
    ],
)  # fmt: skip
def test_an_unknown_caller_is_asked_for_either_credential(watched, headers):
    reply = report(watched, headers)

    assert reply.status_code == 401
    assert reply.headers.get_list("www-authenticate") == ['Bearer realm="slipway"', 'Basic realm="slipway"']
    assert httpx.get(f"{watched.url}/models/toy").headers.get_list("www-authenticate") == ['Bearer realm="slipway"']


def test_it_takes_the_role_operate_for_the_model_and_a_refusal_is_logged_without_the_key(watched):
    one, other = (keys.issue(watched.home, name, [Grant.parse(role)]) for name, role in (("one", "operate:toy"), ("other", "predict")))

    assert report(watched, basic(one)).status_code == 200
    assert report(watched, basic(other)).status_code == 403
    watched.stop()
    [refused] = [found for found in audit.refusals(watched.home, audit.Wanted(model="toy")) if found.status == 403]
    assert (refused.key, refused.status, refused.path) == ("key:other", 403, "/models/toy/report")


@pytest.mark.parametrize("model", ["toy", "no-such", "%2e%2e", "..%2f..", "x" * 300])
def test_without_a_report_the_message_says_how_to_make_one(answering, model):
    reply = report(answering, answering.bearer, model)

    assert reply.status_code == 404
    assert reply.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    if model in ("toy", "no-such"):
        assert f"`slipway watch {model}` makes one" in reply.json()["message"]


def test_the_gauges_are_scraped_and_a_damaged_file_stops_nothing(watched):
    def scraped():
        return httpx.get(f"{watched.url}/metrics", headers=watched.bearer).raise_for_status().text

    assert 'slipway_watch_rows{model="toy"} 500.0' in scraped()
    (watched.home / "watch" / "toy" / "latest.json").write_bytes(b"{")
    damaged = scraped()

    assert 'slipway_watch_unreadable{model="toy"} 1.0' in damaged
    assert "slipway_watch_rows{" not in damaged
    assert "slipway_requests_total" in damaged
    assert "latest.json cannot be read" in watched.log()


@pytest.fixture
def other_site():
    """A server that counts its requests."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs a browser: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM]) as browser:
        yield browser


PAGE = """<html><head><style>p { color: rgb(1, 2, 3) }</style></head><body><p id="said">nothing</p><script>
const said = [];
const note = text => { said.push(text); document.getElementById("said").textContent = said.join(" ") };
note("ran");
new Image().src = "SITE/image";
fetch("SITE/fetch").then(() => note("fetched"), () => note("no-fetch"));
fetch("/models").then(() => note("fetched-models"), () => note("no-models"));
try { localStorage.x = 1; note("stored") } catch { note("no-store") }
try { eval("note('evaluated')") } catch { note("no-eval") }
try { note("cookie" + document.cookie) } catch { note("no-cookie") }
</script><script src="SITE/script.js"></script></body></html>"""


def test_in_a_browser_the_pages_own_scripts_run_and_reach_nothing(watched, browser, other_site, tmp_path):
    site, asked = other_site
    publish(watched.home, "toy", PAGE.replace("SITE", site).encode(), FOUND)
    context = browser.new_context(http_credentials={"username": "anna", "password": watched.key})
    page = context.new_page()

    reply = page.goto(f"{watched.url}/models/toy/report")
    page.wait_for_function("document.getElementById('said').textContent.split(' ').length >= 6")
    page.screenshot(path=tmp_path / "report.png")

    assert reply.status == 200
    words = page.locator("#said").inner_text().split()
    assert sorted(words) == ["no-cookie", "no-eval", "no-fetch", "no-models", "no-store", "ran"]
    assert page.locator("#said").evaluate("node => getComputedStyle(node).color") == "rgb(1, 2, 3)"
    assert asked == []


def test_in_a_browser_a_real_report_is_drawn(watched, browser, tmp_path):
    pd = pytest.importorskip("pandas")
    evidently = pytest.importorskip("evidently")
    from evidently.presets import DataDriftPreset

    frame = pd.DataFrame({"Age": range(200), "Sex": ["F", "M"] * 100})
    evidently.Report([DataDriftPreset()]).run(frame.assign(Age=frame["Age"] + 80), frame).save_html(str(tmp_path / "report.html"))
    publish(watched.home, "toy", (tmp_path / "report.html").read_bytes(), FOUND)
    page = browser.new_context(
        http_credentials={"username": "anna", "password": watched.key}, viewport={"width": 1200, "height": 900}
    ).new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    page.goto(f"{watched.url}/models/toy/report")
    page.get_by_text("Dataset Drift").first.wait_for(timeout=60_000)
    page.get_by_label("Detail panel visibility toggle").last.click()
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=60_000)
    page.screenshot(path=tmp_path / "report.png")

    assert faults == []
