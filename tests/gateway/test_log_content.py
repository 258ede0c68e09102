"""What the gateway's own log and its metrics say, and what they never hold: rows, subject ids, keys, tokens, passwords, query strings."""

from __future__ import annotations

import json
import socket

import httpx

from slipway.access import keys, users
from slipway.access.callers import Grant
from slipway.audit.subjects.key_file import SUBJECTS

PASSWORD = "a long sentence nobody guesses"
CELL, TEXT, SUBJECT, QUERY = 7.8125, "Ann-Smith-in-a-cell", "patient-4711", "name=somebody"


def test_the_log_and_the_metrics_hold_no_row_subject_key_token_password_or_query(serving, until):
    users.add(serving.home, "anna", PASSWORD, [Grant("predict"), Grant("operate")])
    stranger = keys.generate()
    with httpx.Client(base_url=f"{serving.url}", timeout=30) as client:
        token = client.post("/sessions", json={"name": "anna", "password": PASSWORD}).json()["token"]
        of_anna = {"Authorization": f"Bearer {token}"}
        path = f"/models/toy/predict?{QUERY}"
        good = {"rows": [{"Age": 30, "Oldpeak": CELL, "Sex": "F", "subject": SUBJECT}]}
        asked = [
            client.post(path, json=good, headers=of_anna),
            client.post(path, json=good, headers={"Authorization": f"Bearer {stranger}"}),
            client.post(path, json={"rows": [{"Age": 30, "Oldpeak": CELL, "Sex": TEXT}]}, headers=of_anna),
            client.post(path, content=f'{{"rows": [{{"{TEXT}'.encode(), headers=of_anna | {"Content-Type": "application/json"}),
            client.post("/sessions", json={"name": "anna", "password": f"{PASSWORD}!"}),
            client.post("/sessions", content=f'{{"password": "{PASSWORD}'.encode(), headers={"Content-Type": "application/json"}),
            client.get(f"/ping?{QUERY}", headers={"Upgrade": "websocket", "Connection": "Upgrade"}),
        ]
        (serving.home / SUBJECTS).rename(serving.home / "keys")
        asked.append(client.post(path, json=good, headers=of_anna))
        with socket.create_connection(("127.0.0.1", serving.port), timeout=10) as raw:
            raw.sendall(f"GET /ping?{QUERY} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\nauthorization: {TEXT}\r\n\r\n".encode())
            assert raw.recv(100).startswith(b"HTTP/1.1 400")
        until(lambda: "subjects.json" in str(client.get("/health/ready").json()["warnings"]))
        metrics = client.get("/metrics", headers=of_anna).text
    serving.stop()

    assert [reply.status_code for reply in asked] == [200, 401, 400, 400, 401, 400, 200, 503]
    secrets = (str(CELL), TEXT, SUBJECT, QUERY, serving.key, stranger, token, PASSWORD)
    log = serving.log()
    assert [secret for secret in secrets if secret in log] == []
    assert "subjects.json" in log
    assert [word for word in (*secrets, "anna", "tester") if word in metrics] == []
    assert 'endpoint="predict",model="toy",status="200"' in metrics


def test_the_log_names_starts_versions_and_failures_and_no_request(cold_gateway, bundles):
    (cold_gateway.home / ".env").write_text("SLIPWAY_LOG_FORMAT=json\n")
    cold_gateway.start().serve(bundles["toy-1"])
    before = cold_gateway.log()
    for _ in range(20):
        cold_gateway.ask({"inputs": [[30, 0.0, "F"]]}).raise_for_status()
        assert cold_gateway.ask({"inputs": [[30, 0.0, "X"]]}).status_code == 400
    after = cold_gateway.log()

    lines = [json.loads(line) for line in after.splitlines()]
    assert any("toy version 1 is in service" in line["message"] for line in lines)
    assert any("listening" in line["message"] for line in lines)
    assert after == before
