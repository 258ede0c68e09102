"""A challenger beside the version in service: it answers in shadow or a share of the requests, and never disturbs the champion."""

from __future__ import annotations

import shutil
import signal
import threading
from collections import Counter, defaultdict
from math import sqrt

import httpx
import msgspec
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from slipway import audit
from slipway.audit import Wanted
from slipway.bundle.reading import read
from slipway.bundle.store import challenger
from slipway.bundle.store.active import keep
from slipway.bundle.store.challenger import CHALLENGER, Challenge, challenge, challenged, set_challenge
from slipway.bundle.writing import write

# Version 1 answers 0 for YOUNG and 1 for OLD, version 2 the opposite.
YOUNG, OLD = {"Age": 30, "Oldpeak": 0.0, "Sex": "F"}, {"Age": 80, "Oldpeak": 2.0, "Sex": "M"}
ALL = Wanted(limit=100_000)


@pytest.fixture
def challenged_by(serving, bundles, until):
    """Start a challenge of the version in service and return when it runs: `challenged_by("toy-2", share=0.5)`."""

    def start(bundle="toy-2", share=0.0):
        made = challenge(bundles.get(bundle, bundle), serving.store, share)
        until(lambda: (found := serving.status()["challenger"]) and found["installation"] == made.installation, what="the challenger runs")
        assert serving.status()["challenger"]["error"] is None
        return made

    return start


@pytest.fixture
def fails(serving, until):
    """Wait until the gateway reports that the challenger does not run, and return why."""

    def message():
        return until(lambda: (serving.status()["challenger"] or {}).get("error"), what="the challenger's failure")["message"]

    return message


@pytest.fixture
def changed(bundles, tmp_path):
    """Write version 2 again with another contract, without the checks of `challenge`; `into` is the store."""

    def make(store, **changes):
        two = read(bundles["toy-2"])
        contract = msgspec.structs.replace(two.contract, version=3, **changes)
        probe = msgspec.structs.replace(two.probe, labels=contract.output.labels(np.array(two.probe.probabilities)))
        made = write(tmp_path / "changed" / contract.run_id, two.files, contract, probe)
        return keep(made.folder, made.contract, store)

    return make


def predict(gateway, *rows):
    return httpx.post(f"{gateway.model_url}/predict", json={"rows": list(rows)}, headers=gateway.bearer, timeout=30)


def shadows(gateway):
    return audit.shadows(gateway.home, ALL)


def answered(gateway):
    return audit.predictions(gateway.home, ALL)


def metrics(gateway, name):
    exposed = httpx.get(f"{gateway.url}/metrics", headers=gateway.bearer).raise_for_status().text
    samples = [sample for family in text_string_to_metric_families(exposed) for sample in family.samples if sample.name == name]
    return {sample.labels.get("agrees", sample.labels["model"]): sample.value for sample in samples}


def test_an_explanation_is_of_the_version_that_answers_and_the_other_answers_in_shadow(challenged_by, serving, until):
    challenged_by(share=0.0)

    by_champion, by_challenger = (
        httpx.post(f"{serving.model_url}/explain", json={"rows": [OLD]}, headers={**serving.bearer, **wanted})
        for wanted in ({}, {"x-slipway-version": "2"})
    )

    assert [reply.headers["x-slipway-version"] for reply in (by_champion, by_challenger)] == ["1", "2"]
    (one,), (two,) = (reply.json()["predictions"] for reply in (by_champion, by_challenger))
    assert (one["label"], two["label"]) == (1, 0)
    for prediction in (one, two):
        assert prediction["explanation"]["margin"] == pytest.approx(prediction["probabilities"]["1"], abs=1e-6)
    logged = {line.prediction_id: line.version for line in audit.explanations(serving.home, ALL)}
    assert logged == {one["prediction_id"]: 1, two["prediction_id"]: 2}
    found = until(lambda: len(lines := shadows(serving)) == 2 and lines, what="two shadows")
    assert {line.prediction_id: line.version for line in found} == {one["prediction_id"]: 2, two["prediction_id"]: 1}


def test_a_shadow_is_logged_beside_the_answer_and_never_returned(serving, challenged_by, until):
    challenged_by("toy-2")

    reply = predict(serving, YOUNG, OLD)

    assert [one["label"] for one in reply.json()["predictions"]] == [0, 1]
    assert (reply.headers["x-slipway-version"], reply.json()["version"]) == ("1", 1)
    found = {line.prediction_id: line for line in until(lambda: shadows(serving))}
    lines = {line.prediction_id: line for line in answered(serving)}
    assert found.keys() == lines.keys() == {one["prediction_id"] for one in reply.json()["predictions"]}
    for name, line in lines.items():
        shadow = found[name]
        assert (line.version, shadow.version, shadow.run_id) == (1, 2, "2" * 32)
        assert (shadow.model, shadow.time, shadow.label, shadow.agrees) == ("toy", line.time, 1 - line.label, False)
        assert shadow.probabilities[shadow.label] == max(shadow.probabilities)
        assert shadow.latency_ms > 0


def test_the_status_shows_the_challenger(serving, challenged_by):
    made = challenged_by("toy-2", share=0.25)

    assert serving.status()["challenger"] == {
        "version": 2,
        "run_id": "2" * 32,
        "installation": made.installation,
        "share": 0.25,
        "error": None,
    }


def test_agreement_is_logged_row_by_row_and_counted(serving, challenged_by, changed, until):
    name = changed(serving.store, threshold=0.0)  # says 1, whatever comes
    challenged_by(serving.store / "toy" / name)

    predict(serving, YOUNG, OLD, OLD)

    found = until(lambda: shadows(serving))
    assert [(line.label, line.agrees) for line in sorted(found, key=lambda line: line.prediction_id)] == [(1, False), (1, True), (1, True)]
    until(lambda: metrics(serving, "slipway_shadow_rows_total") == {"yes": 2, "no": 1})


def test_a_large_request_is_compared_too(serving, challenged_by, until):
    challenged_by("toy-2")

    reply = httpx.post(f"{serving.model_url}/invocations", json={"inputs": [[30, 0.0, "F"]] * 5_000}, headers=serving.bearer)

    assert set(reply.json()["predictions"]) == {0}
    until(lambda: Counter(line.label for line in shadows(serving)) == {1: 5_000})


def test_the_challenger_answers_a_share_of_whole_requests_and_the_other_side_is_logged(serving, challenged_by, until):
    challenged_by("toy-2", share=0.3)
    requests = 1_000

    with httpx.Client(headers=serving.bearer, timeout=30) as client:
        replies = [client.post(f"{serving.model_url}/predict", json={"rows": [YOUNG, OLD]}) for _ in range(requests)]

    versions = Counter()
    for reply in replies:
        body = reply.json()
        assert [one["label"] for one in body["predictions"]] == ([0, 1] if body["version"] == 1 else [1, 0])
        assert (reply.headers["x-slipway-version"], reply.headers["x-slipway-run"]) == (str(body["version"]), body["run_id"])
        versions[body["version"]] += 1
    assert abs(versions[2] - 0.3 * requests) < 5 * sqrt(requests * 0.3 * 0.7)  # five standard deviations of a binomial count
    until(lambda: len(shadows(serving)) == 2 * requests, what="every request compared")
    sides = defaultdict(set)
    for line in [*answered(serving), *shadows(serving)]:
        sides[line.prediction_id].add(line.version)
    assert len(sides) == 2 * requests
    assert all(side == {1, 2} for side in sides.values())
    assert Counter(line.version for line in answered(serving)) == {1: 2 * versions[1], 2: 2 * versions[2]}
    assert metrics(serving, "slipway_shadow_skipped_total") == {}


def test_a_request_that_names_a_version_is_answered_by_that_one(serving, challenged_by):
    for share in (0.0, 0.9):
        challenged_by("toy-2", share=share)
        with httpx.Client(headers=serving.bearer, timeout=30) as client:
            for version, label in (("1", 0), ("2", 1)):
                asked = [
                    client.post(f"{serving.model_url}/predict", json={"rows": [YOUNG]}, headers={"X-Slipway-Version": version})
                    for _ in range(30)
                ]
                assert {reply.headers["x-slipway-version"] for reply in asked} == {version}
                assert {reply.json()["predictions"][0]["label"] for reply in asked} == {label}


def test_a_subject_always_meets_the_same_version_also_after_a_restart_and_with_a_larger_share(serving, challenged_by, until):
    challenged_by("toy-2", share=0.3)
    persons = [f"patient-{number}" for number in range(60)]

    def version_of(person, rows=1):
        reply = predict(serving, *[YOUNG | {"subject": person}] * rows)
        assert {one["subject"] for one in reply.json()["predictions"]} == {person}
        return reply.json()["version"]

    first = {person: version_of(person) for person in persons}
    assert set(first.values()) == {1, 2}
    assert {person: version_of(person, rows=2) for person in persons} == first
    serving.stop()
    serving.start()
    until(lambda: (serving.status().get("challenger") or {}).get("version") == 2)
    assert {person: version_of(person) for person in persons} == first
    challenged_by("toy-2", share=0.6)
    later = {person: version_of(person) for person in persons}
    assert {person for person in persons if first[person] == 2} < {person for person in persons if later[person] == 2}


def test_one_version_answers_a_whole_request_of_several_subjects(serving, challenged_by):
    challenged_by("toy-2", share=0.5)

    replies = [predict(serving, *[YOUNG | {"subject": person} for person in "abcdefgh"]).json() for _ in range(40)]

    assert {reply["version"] for reply in replies} == {1, 2}
    for reply in replies:
        assert {one["label"] for one in reply["predictions"]} == {0 if reply["version"] == 1 else 1}


def test_a_damaged_challenger_never_answers_and_the_champion_goes_on(serving, bundles, fails, until):
    name = keep(bundles["toy-2"], read(bundles["toy-2"]).contract, serving.store)
    model = serving.store / "toy" / name / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\0")

    set_challenge(serving.store, "toy", Challenge(name, "damaged", 0.9))

    assert "model.onnx has changed since it was measured" in fails()
    assert {predict(serving, YOUNG).json()["version"] for _ in range(20)} == {1}
    assert serving.status()["error"] is None
    assert httpx.get(f"{serving.url}/health/ready").is_success


def test_a_challenger_that_is_replaced_by_a_broken_one_stops(serving, challenged_by, fails):
    challenged_by("toy-2", share=0.9)

    set_challenge(serving.store, "toy", Challenge("missing", "missing", 0.9))

    assert "manifest.json is missing" in fails()
    assert {predict(serving, YOUNG).json()["version"] for _ in range(20)} == {1}


@pytest.mark.parametrize("content", ["{", '{"bundle": "2-22222222", "installation": "a", "share": 1.5}'])
def test_a_damaged_challenge_is_reported_and_a_good_one_heals_it(serving, challenged_by, fails, content):
    (serving.store / "toy" / CHALLENGER).write_text(content)

    assert "challenger.json" in fails()
    assert predict(serving, YOUNG).json()["version"] == 1
    challenged_by("toy-2")


def test_a_bundle_of_another_model_is_no_challenger(serving, bundles, fails):
    shutil.copytree(bundles["words-1"], serving.store / "toy" / "1-words")

    set_challenge(serving.store, "toy", Challenge("1-words", "of-words", 0.9))

    assert "received one of words" in fails()
    assert predict(serving, YOUNG).json()["version"] == 1


def test_a_bundle_with_other_columns_is_paused(serving, bundles, changed, fails):
    columns = list(read(bundles["toy-2"]).contract.columns)
    columns[0] = msgspec.structs.replace(columns[0], high=130)

    set_challenge(serving.store, "toy", Challenge(changed(serving.store, columns=tuple(columns)), "wider", 0.9))

    assert "it is paused beside version 1: their columns differ (Age)" in fails()
    assert {predict(serving, YOUNG).json()["version"] for _ in range(20)} == {1}


def test_a_sample_model_answers_no_caller_beside_one_of_real_rows(serving, bundles, tmp_path, changed, fails, challenged_by):
    one = read(bundles["toy-1"])
    real = write(tmp_path / "real", one.files, msgspec.structs.replace(one.contract, version=7, sample=False), one.probe)
    serving.serve(real.folder)

    set_challenge(serving.store, "toy", Challenge(changed(serving.store), "sample", 0.9))

    assert "trained on sample rows" in fails()
    assert predict(serving, YOUNG).json()["version"] == 7
    challenged_by("toy-2")  # in shadow it may be tried


def test_an_ended_challenge_leaves_the_champion_alone(serving, challenged_by, until):
    challenged_by("toy-2", share=0.9)
    predict(serving, YOUNG)
    until(lambda: shadows(serving))

    assert challenger.end(serving.store, "toy")

    until(lambda: serving.status()["challenger"] is None)
    before = len(shadows(serving))
    assert {predict(serving, YOUNG).json()["version"] for _ in range(20)} == {1}
    assert len(shadows(serving)) == before


def test_a_graceful_end_finishes_the_shadows_that_wait(serving, challenged_by):
    challenged_by("toy-2")
    with httpx.Client(headers=serving.bearer, timeout=30) as client:
        for _ in range(50):
            client.post(f"{serving.model_url}/invocations", json={"inputs": [[30, 0.0, "F"]] * 500})

    assert serving.stop() == 0

    assert len(answered(serving)) == 25_000
    assert len(shadows(serving)) == 25_000


def test_a_killed_gateway_keeps_every_answer_and_goes_on_with_the_challenge(serving, challenged_by, until):
    made = challenged_by("toy-2", share=0.5)
    taken, stop = [], threading.Event()

    def ask_for_ever():
        with httpx.Client(headers=serving.bearer, timeout=30) as client:
            while not stop.is_set():
                try:
                    taken.append(client.post(f"{serving.model_url}/predict", json={"row": YOUNG}).json())
                except httpx.TransportError:
                    return

    threads = [threading.Thread(target=ask_for_ever) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(taken) > 100)
    serving.stop(signal.SIGKILL)
    for thread in threads:
        thread.join()

    kept = {line.prediction_id: line.version for line in answered(serving)}
    assert {one["predictions"][0]["prediction_id"]: one["version"] for one in taken}.items() <= kept.items()
    assert {line.prediction_id for line in shadows(serving)} <= kept.keys()  # no shadow without its answer
    serving.start()
    until(lambda: (serving.status().get("challenger") or {}).get("installation") == made.installation)


def test_a_promoted_challenger_is_paused_and_runs_again_when_that_is_undone(serving, bundles, challenged_by, fails, until):
    challenged_by("toy-2", share=0.5)

    serving.serve(bundles["toy-2"])

    assert "it is paused, because version 2 is in service itself" in fails()
    assert {predict(serving, YOUNG).json()["version"] for _ in range(10)} == {2}
    before = len(shadows(serving))
    serving.serve(bundles["toy-1"])
    assert serving.status()["challenger"]["error"] is None
    predict(serving, YOUNG)
    until(lambda: len(shadows(serving)) > before)


def test_a_challenger_stays_beside_a_new_champion_unless_that_takes_other_columns(serving, bundles, challenged_by, changed, fails):
    challenged_by("toy-2", share=0.5)
    columns = list(read(bundles["toy-2"]).contract.columns)
    columns[0] = msgspec.structs.replace(columns[0], high=130)

    serving.serve(serving.store / "toy" / changed(serving.store))
    assert {predict(serving, YOUNG).json()["version"] for _ in range(40)} == {2, 3}

    serving.serve(serving.store / "toy" / changed(serving.store, run_id="4" * 32, columns=tuple(columns)))
    assert "it is paused beside version 3: their columns differ (Age)" in fails()
    assert {predict(serving, YOUNG).json()["version"] for _ in range(20)} == {3}


def test_switches_and_challenges_under_load_drop_nothing_and_never_mix_versions(serving, bundles, challenged_by):
    stop, replies, failures = threading.Event(), [], []
    answers = {1: [0, 1], 2: [1, 0]}

    def ask_for_ever():
        with httpx.Client(headers=serving.bearer, timeout=30) as client:
            while not stop.is_set():
                try:
                    reply = client.post(f"{serving.model_url}/predict", json={"rows": [YOUNG, OLD]})
                    replies.append((reply.json()["version"], [one["label"] for one in reply.json()["predictions"]]))
                except Exception as error:
                    failures.append(error)

    threads = [threading.Thread(target=ask_for_ever) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        challenged_by("toy-2", share=0.5)
        serving.serve(bundles["toy-2"])
        serving.serve(bundles["toy-1"])
        challenger.end(serving.store, "toy")
    stop.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert {version for version, _ in replies} == {1, 2}
    assert all(labels == answers[version] for version, labels in replies)


def test_workers_agree_on_a_challenger(cold_gateway, bundles, until):
    (cold_gateway.home / ".env").write_text("SLIPWAY_GATEWAY_WORKERS=2\n")
    serving = cold_gateway.start()
    serving.serve(bundles["toy-1"])

    made = challenge(bundles["toy-2"], serving.store, 0.5)

    until(lambda: (serving.status()["challenger"] or {}).get("installation") == made.installation)
    assert {predict(serving, YOUNG).json()["version"] for _ in range(40)} == {1, 2}
    challenger.end(serving.store, "toy")
    until(lambda: serving.status()["challenger"] is None)
    assert {predict(serving, YOUNG).json()["version"] for _ in range(40)} == {1}
    assert challenged(serving.store, "toy") is None
