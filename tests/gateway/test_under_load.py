"""The gateway under load: bad requests among good ones, versions that change, a full disk."""

from __future__ import annotations

import itertools
import random
import resource
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil

from slipway import audit

YOUNG, OLD = [30, 0.0, "F"], [80, 2.0, "M"]
CALLERS = 8
GROWTH = 24 * 1024 * 1024  # bytes of noise that a flat memory may have

BAD = [
    (b"", "application/json", 400),
    (b"{", "application/json", 400),
    (b"[" * 3_000, "application/json", 400),
    (b'{"inputs": []}', "application/json", 400),
    (b'{"inputs": [[30, 0.0, "X"]]}', "application/json", 400),
    (b'{"inputs": [[121, 0.0, "F"]]}', "application/json", 400),
    (b'{"inputs": [[30.5, 0.0, "F"]]}', "application/json", 400),
    (b'{"inputs": [[NaN, 0.0, "F"]]}', "application/json", 400),
    (b'{"inputs": [{"Age": 30, "Age": 31, "Oldpeak": 0.0, "Sex": "F"}]}', "application/json", 400),
    (b'{"inputs": [[30, 0.0, "F\'; DROP TABLE predictions; --"]]}', "application/json", 400),
    (b"Age,Oldpeak,Sex\n30,0,=cmd()\n", "text/csv", 400),
    (b"\xff\xfe\x00", "application/json", 400),
    (b"<rows/>", "application/xml", 415),
]


def test_five_thousand_bad_requests_among_as_many_good_ones(serving):
    """Every good one is answered rightly, every bad one is refused as it should be, and memory stays flat."""
    process = psutil.Process(serving.process.pid)
    order = random.Random(3)
    work = [("good", number) for number in range(5_000)] + [("bad", number) for number in range(5_000)]
    order.shuffle(work)
    parts, wrong, seen = [work[start::CALLERS] for start in range(CALLERS)], [], Counter()

    def ask(part):
        with httpx.Client(headers=serving.bearer, timeout=60) as client:
            for kind, number in part:
                if kind == "good":
                    row, label = ((YOUNG, 0), (OLD, 1))[number % 2]
                    reply = client.post(f"{serving.model_url}/invocations", json={"inputs": [row]})
                    right = reply.status_code == 200 and reply.json() == {"predictions": [label]}
                else:
                    body, content_type, status = BAD[number % len(BAD)]
                    reply = client.post(f"{serving.model_url}/invocations", content=body, headers={"content-type": content_type})
                    right = reply.status_code == status and reply.json()["error_code"]
                seen[kind] += 1
                if not right:
                    wrong.append((kind, number, reply.status_code, reply.text[:200]))

    ask(work[:500])  # what is imported and cached with the first requests is not growth
    seen.clear()
    before = process.memory_info().rss
    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(ask, parts))

    assert wrong == []
    assert seen == {"good": 5_000, "bad": 5_000}
    assert process.memory_info().rss - before < GROWTH
    assert len(audit.predictions(serving.home, audit.Wanted(limit=1_000_000))) == 5_000 + sum(kind == "good" for kind, _ in work[:500])


def test_ten_promotions_while_many_ask(serving, bundles):
    """No request is lost, every answer is the one of the version that it names, and a request after `serve` returned gets the new one."""
    done, lost, wrong = threading.Event(), [], []
    answers = Counter()

    def ask():
        with httpx.Client(headers=serving.bearer, timeout=60) as client:
            while not done.is_set():
                try:
                    reply = client.post(f"{serving.model_url}/invocations", json={"inputs": [YOUNG]})
                except httpx.TransportError as error:
                    lost.append(repr(error))
                    return
                version = reply.headers.get("x-slipway-version")
                answers[version] += 1
                if (reply.status_code, version, reply.text) not in ((200, "1", '{"predictions":[0]}'), (200, "2", '{"predictions":[1]}')):
                    wrong.append((reply.status_code, version, reply.text[:200]))

    callers = [threading.Thread(target=ask) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for number, name in enumerate(itertools.islice(itertools.cycle(("toy-2", "toy-1")), 10)):
        serving.serve(bundles[name])
        assert serving.ask({"inputs": [YOUNG]}).headers["x-slipway-version"] == name[-1], f"promotion {number}"
    done.set()
    for caller in callers:
        caller.join(timeout=60)

    assert (lost, wrong) == ([], [])
    assert set(answers) == {"1", "2"}
    logged = Counter(str(line.version) for line in audit.predictions(serving.home, audit.Wanted(limit=1_000_000)))
    assert logged.total() == answers.total() + 10


def test_a_full_disk_refuses_rather_than_answers_unlogged(serving, until):
    """The log may grow no further: no answer leaves, and those that left before are in it; with room again it goes on by itself."""
    process = psutil.Process(serving.process.pid)
    answered = [serving.ask({"inputs": [YOUNG]}).headers["x-request-id"] for _ in range(3)]
    largest = max(path.stat().st_size for path in (serving.home / "gateway").iterdir())
    process.rlimit(resource.RLIMIT_FSIZE, (largest + 50_000, resource.RLIM_INFINITY))

    def refused():
        reply = serving.ask({"inputs": [YOUNG] * 20})
        if reply.status_code == 200:
            answered.append(reply.headers["x-request-id"])
        return reply if reply.status_code != 200 else None

    reply = until(refused, seconds=30, what="the refusal")
    assert (reply.status_code, reply.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert int(reply.headers["retry-after"]) >= 1
    assert "predictions" not in reply.json()
    assert httpx.get(f"{serving.url}/ping").status_code == 200

    process.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    last = until(lambda: (found := serving.ask({"inputs": [OLD]})).status_code == 200 and found, seconds=10)

    logged = {line.request_id for line in audit.predictions(serving.home, audit.Wanted(limit=1_000_000))}
    assert {*answered, last.headers["x-request-id"]} <= logged
    assert until(lambda: httpx.get(f"{serving.url}/health/ready").status_code == 200, seconds=5)
