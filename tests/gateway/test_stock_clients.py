"""The clients that people have, as they come: Python's, curl, Java's, Node's and Go's, over plain HTTP and over TLS."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import httpx
import pytest

CLIENTS = Path(__file__).parents[1] / "support" / "clients"
BODY = '{"inputs":[[30,0.0,"F"],[80,2.0,"M"]]}'
ANSWER = '{"predictions":[0,1]}'
ASKED = ["200 ", f"200 {ANSWER}", f"200 {ANSWER}", f"200 {ANSWER}", "404 ", f"200 {ANSWER}"]
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # for a program that runs once
CURL = {
    "as it comes": [],
    "HTTP/1.0": ["--http1.0"],
    "HTTP/1.1": ["--http1.1"],
    "HTTP/2": ["--http2"],
    "HTTP/2, and 100": ["--http2", "-H", "Expect: 100-continue"],
    "HTTP/1.0, kept": ["--http1.0", "-H", "Connection: keep-alive"],
    "in chunks": ["-H", "Transfer-Encoding: chunked"],
    "compressed answers": ["--compressed"],
}


@pytest.fixture(scope="module", params=["plain", "TLS"])
def served(request, answering):
    """An address, and the file of the authority that callers must trust, None without TLS."""
    if request.param == "plain":
        return answering.url, answering.key, None
    secured = request.getfixturevalue("secured_answering")
    return f"https://localhost:{secured.gateway.port}", secured.gateway.key, secured.authority


def program(name):
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")


def run(*command, environment=None):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | (environment or {}), check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@program("curl")
@pytest.mark.parametrize("name", CURL)
def test_curl(served, name):
    url, key, authority = served
    options = ["-sS", *CURL[name], *(["--cacert", str(authority)] if authority else [])]
    ask = ["-H", f"Authorization: Bearer {key}", "-H", "Content-Type: application/json", "-d", BODY, f"{url}/models/toy/invocations"]

    assert run("curl", *options, *ask, "--next", *options, *ask) == ANSWER * 2


@program("curl")
def test_curl_sends_a_large_body_after_100_and_asks_for_heads(served, tmp_path):
    url, key, authority = served
    options = ["-sS", *(["--cacert", str(authority)] if authority else [])]
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps({"inputs": [[30, 0.0, "F"]] * 60_000}))
    large = ["-H", f"Authorization: Bearer {key}", "-H", "Content-Type: application/json", "--data-binary", f"@{rows}"]

    assert run("curl", *options, *large, f"{url}/models/toy/invocations").count("0") == 60_000
    assert run("curl", *options, "-I", f"{url}/ping").startswith("HTTP/1.1 200 OK")


@program("curl")
def test_curl_with_http_2_at_once_is_refused_and_does_not_hang(answering):
    done = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", f"{answering.url}/ping"], capture_output=True, timeout=20, check=False)

    assert done.returncode != 0


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The folder of Java's compiled client."""
    folder = tmp_path_factory.mktemp("java")
    run("javac", *(f"-J{option}" for option in QUICK), "-d", str(folder), str(CLIENTS / "Stock.java"))
    return folder


@program("java")
@program("javac")
def test_java(served, compiled, tmp_path):
    url, key, authority = served
    trust = []
    if authority:
        store = tmp_path / "trust.p12"
        imported = ["-importcert", "-noprompt", "-file", str(authority), "-keystore", str(store), "-storepass", "changeit"]
        run("keytool", *(f"-J{option}" for option in QUICK), *imported)
        trust = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]

    assert run("java", *QUICK, *trust, "-cp", str(compiled), "Stock", url, key, BODY).splitlines() == ASKED


@program("node")
def test_node(served):
    url, key, authority = served
    trust = {"NODE_EXTRA_CA_CERTS": str(authority)} if authority else {}

    assert run("node", str(CLIENTS / "stock.mjs"), url, key, BODY, environment=trust).splitlines() == ASKED


@program("go")
def test_go(served):
    url, key, authority = served
    trust = {"SSL_CERT_FILE": str(authority)} if authority else {}

    assert run("go", "run", str(CLIENTS / "stock.go"), url, key, BODY, environment=trust).splitlines() == ASKED


def test_python_s_own_clients(served):
    import ssl

    url, key, authority = served
    trust = ssl.create_default_context(cafile=authority) if authority else None
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    asked = urllib.request.Request(f"{url}/models/toy/invocations", BODY.encode(), headers)
    with urllib.request.urlopen(asked, context=trust) as reply:
        assert reply.read().decode() == ANSWER
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(urllib.request.Request(f"{url}/nothing", BODY.encode(), headers), context=trust)

    host = url.partition("://")[2]
    connection = http.client.HTTPSConnection(host, context=trust) if trust else http.client.HTTPConnection(host)
    for body in (BODY, BODY.encode(), iter([BODY[:5].encode(), BODY[5:].encode()])):
        connection.request("POST", "/models/toy/invocations", body, headers, encode_chunked=not isinstance(body, str | bytes))
        assert connection.getresponse().read().decode() == ANSWER


def test_httpx_and_requests(served):
    import ssl

    requests = pytest.importorskip("requests", reason="requests is not installed")
    url, key, authority = served
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    rows = f"{url}/models/toy/invocations"

    with httpx.Client(headers=headers, verify=ssl.create_default_context(cafile=authority) if authority else True) as client:
        for content in (BODY, iter([BODY[:5].encode(), BODY[5:].encode()])):
            assert client.post(rows, content=content).text == ANSWER
        assert client.head(f"{url}/ping").status_code == 200
    with requests.Session() as session:
        verify = str(authority) if authority else True
        for content in (BODY, iter([BODY[:5].encode(), BODY[5:].encode()])):
            assert session.post(rows, data=content, headers=headers, verify=verify).text == ANSWER
        assert session.post(f"{rows}/", data=BODY, headers=headers, verify=verify).text == ANSWER
