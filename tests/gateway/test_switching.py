"""A new bundle takes over without a dropped request; a broken one never answers."""

from __future__ import annotations

import shutil
import threading

import httpx

from slipway.bundle.reading import read
from slipway.bundle.writing import write

YOUNG, OLD = [30, 0.0, "F"], [80, 2.0, "M"]
ANSWERS = {"1": [0, 1], "2": [1, 0]}


def test_ten_switches_under_load_drop_nothing_and_never_mix_versions(serving, bundles):
    stop, replies, failures = threading.Event(), [], []

    def ask_for_ever(url):
        with httpx.Client(headers=serving.bearer, timeout=30) as client:
            while not stop.is_set():
                try:
                    reply = client.post(url, json={"inputs": [YOUNG, OLD]})
                    replies.append((reply.status_code, reply.headers["x-slipway-version"], reply.json()["predictions"]))
                except Exception as error:
                    failures.append(error)

    urls = [f"{serving.model_url}/invocations", f"{serving.url}/models/toy/invocations"] * 4
    threads = [threading.Thread(target=ask_for_ever, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for turn in range(10):
        serving.serve(bundles["toy-2" if turn % 2 == 0 else "toy-1"])
    stop.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(replies) > 100
    assert {version for _, version, _ in replies} == {"1", "2"}
    assert all(status == 200 and answer == ANSWERS[version] for status, version, answer in replies)


def test_an_altered_bundle_leaves_the_old_version_answering(serving, bundles, spoilt):
    before = serving.status()["installation"]
    folder = serving.store / "toy" / "2-22222222"
    folder.parent.mkdir(exist_ok=True)
    spoilt("toy-2").rename(folder)
    model = folder / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\0")

    status = serving.fails(serving.point_at_folder(folder.name))

    assert status["installation"] == before
    assert "model.onnx has changed since it was measured" in status["error"]["message"]
    assert serving.ask({"inputs": [YOUNG, OLD]}).headers["x-slipway-version"] == "1"


def test_a_model_that_does_not_answer_as_measured_is_not_served(serving, bundles, tmp_path):
    one, two = read(bundles["toy-1"]), read(bundles["toy-2"])
    write(tmp_path / "wrong", two.files, one.contract, one.probe)
    (tmp_path / "wrong").rename(serving.store / "toy" / "9-wrong")

    status = serving.fails(serving.point_at_folder("9-wrong"))

    assert "does not answer as it was measured, at probe row 0" in status["error"]["message"]
    assert (status["version"], serving.ask({"inputs": [YOUNG, OLD]}).json()) == (1, {"predictions": [0, 1]})


def test_a_first_bundle_that_fails_is_reported_and_the_model_is_not_found(gateway, bundles):
    status = gateway.fails(gateway.point_at_folder("missing"))

    assert (status["version"], status["installation"]) == (None, None)
    assert "manifest.json is missing" in status["error"]["message"]
    assert httpx.get(f"{gateway.url}/models/toy/ping").status_code == 404


def test_a_later_good_bundle_clears_the_error(serving, bundles):
    serving.fails(serving.point_at_folder("missing"))

    serving.serve(bundles["toy-2"])

    assert (serving.status()["version"], serving.status()["error"]) == (2, None)


def test_a_damaged_pointer_leaves_the_old_version_answering(serving, until):
    (serving.store / "toy" / "active.json").write_text("{")

    until(lambda: serving.status()["error"])

    assert serving.ask({"inputs": [YOUNG, OLD]}).is_success


def test_a_bundle_of_another_model_is_not_served(gateway, bundles):
    (gateway.store / "toy").mkdir(parents=True)
    shutil.copytree(bundles["words-1"], gateway.store / "toy" / "1-words")

    assert "received one of words" in gateway.fails(gateway.point_at_folder("1-words"))["error"]["message"]


def test_a_withdrawn_model_is_gone_from_both_ports_and_can_come_back(serving, bundles, until):
    serving.withdraw("toy")

    until(lambda: httpx.get(f"{serving.url}/models/toy/ping").status_code == 404)
    until(lambda: _refuses(serving.model_url))

    serving.serve(bundles["toy-1"])
    assert serving.ask({"inputs": [YOUNG, OLD]}).is_success


def test_a_model_moves_to_another_port(serving, bundles, free_port, until):
    old, serving.model_port = serving.model_url, free_port()

    serving.serve(bundles["toy-2"], port=serving.model_port)

    assert serving.ask({"inputs": [YOUNG, OLD]}).json() == {"predictions": [1, 0]}
    until(lambda: _refuses(old))


def test_a_taken_model_port_keeps_the_old_version_and_heals_when_it_is_free(serving, bundles, listening, until):
    holder = listening()
    port = holder.getsockname()[1]

    pointer = serving.point_at(bundles["toy-2"], port)
    status = serving.fails(pointer.installation)

    assert status["version"] == 1
    assert f"port {port} on 127.0.0.1" in status["error"]["message"]
    assert "(process " in status["error"]["message"]
    holder.close()
    until(lambda: serving.status()["version"] == 2)


def test_two_models_cannot_share_a_port(serving, bundles, until):
    pointer = serving.point_at(bundles["words-1"])

    error = until(lambda: serving.status("words").get("error"))

    assert error["installation"] == pointer.installation
    assert "but toy is served there" in error["message"]


def _refuses(url):
    try:
        httpx.get(f"{url}/ping")
    except httpx.ConnectError:
        return True
    return False


def test_a_bundle_that_is_a_link_out_of_the_store_is_not_served(serving, bundles):
    (serving.store / "toy" / "2-linked").symlink_to(bundles["toy-2"])

    assert "received a link to" in serving.fails(serving.point_at_folder("2-linked"))["error"]["message"]
    assert serving.ask({"inputs": [YOUNG, OLD]}).json()["predictions"] == ANSWERS["1"]
