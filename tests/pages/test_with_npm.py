"""The pages before programs of others that npm has: a checker of accessibility, and an OIDC provider. Drills: they are downloaded first."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pyotp
import pytest

from slipway.access import keys
from slipway.access.callers import ROLES, Grant
from slipway.gateway.endpoints.files.sending import example_rows
from slipway.gateway.endpoints.routes import ROUTES
from tests.gateway.conftest import Gateway, _free_port, _until
from tests.pages.conftest import PASSWORD

pytestmark = pytest.mark.drill

PROVIDER = """
import Provider from 'oidc-provider';
const [port, back] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: 'slipway', client_secret: 'known to both: %', redirect_uris: [back] }],
  claims: { openid: ['sub', 'roles', 'amr'], acr: null },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  async findAccount(ctx, id) { return { accountId: id, claims: async () => ({ sub: id, roles: ['doctors'] }) }; },
  interactions: { url: (ctx, interaction) => `/person/${interaction.uid}` },
});
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/person/')) return next();
  const { params, session, prompt } = await provider.interactionDetails(ctx.req, ctx.res);
  if (prompt.name === 'login' && ctx.method === 'GET') {
    ctx.type = 'html';
    ctx.body = '<form method="post"><label>Name <input name="name"></label><button>Continue</button></form>';
    return;
  }
  let result = { login: { accountId: 'dr.who', amr: ['pwd', 'otp'] } };
  if (prompt.name === 'consent') {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope('openid');
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
});
provider.listen(port, '127.0.0.1');
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Install a package of npm into a folder of the test's own, and return the folder."""

    def install(package: str) -> Path:
        if not (shutil.which("npm") and shutil.which("node")):
            pytest.skip("needs Node.js with npm")
        folder = tmp_path_factory.mktemp(package)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", package], cwd=folder, capture_output=True, timeout=200
        )
        if done.returncode:
            pytest.skip(f"npm cannot install {package} here")
        return folder

    return install


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(chromium, pages, add_person, installed, scheme):
    axe = (installed("axe-core") / "node_modules" / "axe-core" / "axe.min.js").read_text()
    person = f"ines-{scheme}"
    add_person(person, *ROLES, second_factor=False)
    keys.issue(pages.home, f"key-of-{person}", [Grant("predict")], 90, person)
    context = chromium.new_context(
        base_url=pages.url, viewport={"width": 390, "height": 844}, color_scheme=scheme, locale="es", bypass_csp=True
    )
    page = context.new_page()
    found: dict[str, list[str]] = {}

    def check(name: str) -> None:
        page.evaluate(axe)
        violations = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        found[name] = [f"{one['id']}: {one['nodes'][0]['html']}" for one in violations]

    page.goto("/sign-in")
    check("sign-in")
    page.click("main button")
    check("sign-in with errors")
    page.fill("#name", person)
    page.fill("#password", PASSWORD)
    page.click("main button")
    check("second factor")
    page.fill("#code", pyotp.TOTP(str(page.locator("[name=secret]").get_attribute("value"))).now())
    page.click("main button")
    check("recovery codes")
    own = [one for one in ROUTES if one.page and one.method == "GET" and one.needs != "nothing" and one.handler is not example_rows]
    for path in ("/predict/none", *(one.path for one in own)):
        path = path.replace("{model}", "heart-failure" if path.startswith("/service/") else "toy")
        page.goto(path)
        check(path)
    page.goto("/service/heart-failure/release")
    page.click("main button")
    check("act with errors")
    for id in (f"user:{person}", f"key:key-of-{person}"):
        for name in ("one", "roles", "rotate", "revoke"):
            page.goto(f"/access/{name}?of={id}")
            check(page.url)
    page.goto("/access/add-key")
    page.click("main button:not(.link) >> nth=-1")
    check("new key with errors")
    page.goto("/files/toy")
    page.set_input_files("#file", {"name": "a.csv", "mimeType": "text/csv", "buffer": b"age,Oldpeak,Sex\n"})
    page.click("main button")
    check("file with errors")
    page.set_input_files("#file", {"name": "a.csv", "mimeType": "text/csv", "buffer": b"Age,Oldpeak,Sex\n80,2,M\n400,2,M\n"})
    page.click("main button")
    check("result of a file")
    page.goto("/predict/toy")
    page.click("main button:not(.link) >> nth=-1")
    check("form with errors")
    page.fill("[name='value:Age']", "61")
    page.fill("[name='value:Oldpeak']", "1,5")
    page.check("[value='=M']")
    page.click("main button:not(.link) >> nth=-1")
    page.locator("ol.effects").first.wait_for()
    check("answer")
    page.goto("/predictions")
    page.locator("td details summary").first.click()
    check("own predictions")
    page.locator("td form button").first.click()
    check("own predictions with errors")
    page.goto("/audit")
    page.fill("#caller", person)
    page.click("main form button")
    check("lines of the log")
    page.locator("[name=line]").first.click()
    check("one line of the log")
    page.goto("/audit")
    page.fill("#prediction", "?")
    page.click("main form button")
    check("log with errors")
    context.close()

    assert {name: violations for name, violations in found.items() if violations} == {}


@pytest.fixture
def real_provider(installed) -> Iterator[Callable[[str], str]]:
    """Start the provider, which sends people back to this address, and return its own."""
    running: list[subprocess.Popen[bytes]] = []

    def start(back: str) -> str:
        folder, port = installed("oidc-provider"), _free_port()
        (folder / "provider.mjs").write_text(PROVIDER)
        running.append(subprocess.Popen(["node", "provider.mjs", str(port), back], cwd=folder, stderr=subprocess.DEVNULL))
        url = f"http://127.0.0.1:{port}"
        _until(lambda: httpx.get(f"{url}/.well-known/openid-configuration").is_success, seconds=30, what="the provider")
        return url

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


def test_a_person_signs_in_through_a_real_provider(chromium, real_provider, tmp_path):
    gateway = Gateway(tmp_path)
    keys.add(gateway.home, "tester", gateway.key)
    issuer = real_provider(f"{gateway.url}/sign-in/callback")
    lines = {
        "ISSUER": issuer,
        "AUDIENCE": "slipway",
        "JWKS_URL": json.loads(httpx.get(f"{issuer}/.well-known/openid-configuration").text)["jwks_uri"],
        "CLIENT_ID": "slipway",
        "CLIENT_SECRET": "'known to both: %'",
        "ROLES": '{"doctors": ["predict"]}',
    }
    (gateway.home / ".env").write_text("".join(f"SLIPWAY_OIDC_{name}={value}\n" for name, value in lines.items()))
    gateway.start()
    try:
        context = chromium.new_context(base_url=gateway.url, locale="en")
        page = context.new_page()
        page.goto("/account")
        page.get_by_role("link", name="Sign in with").click()
        page.get_by_label("Name").fill("dr.who")
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("heading", name="Your account").wait_for()

        assert page.get_by_role("link", name="dr.who").is_visible()
        assert "make predictions" in page.locator("main").inner_text()
        context.close()
    finally:
        gateway.stop()
