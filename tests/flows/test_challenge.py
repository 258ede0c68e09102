"""`slipway challenge` as an operator uses it: a real MLflow registry, a real gateway, the command in a process of its own."""

from __future__ import annotations

import json
import os
import shutil

import httpx
import pytest

from slipway import audit
from slipway.audit import Wanted
from tests.support import forking

MODEL = "heart-failure"


@pytest.fixture
def registered(empty_mlflow, tmp_path, free_ports, until, no_settings, monkeypatch, heart, write_bundle, contract_of):
    """A registry with versions 1 and 2, and 3 without a bundle; a gateway that serves version 1. Returns the settings."""
    from slipway.access import keys
    from slipway.lifecycle import serving
    from slipway.settings import Settings
    from slipway.tracking.connection import connect

    (tmp_path / "mlflow").mkdir()
    shutil.copy(empty_mlflow, tmp_path / "mlflow")
    main, own = free_ports(2)
    key = keys.generate()
    keys.add(tmp_path, "test", key)
    ports = json.dumps({MODEL: own})
    variables = {"SLIPWAY_HOME": str(tmp_path), "SLIPWAY_GATEWAY_PORT": str(main), "SLIPWAY_MODEL_PORTS": ports, "SLIPWAY_API_KEY": key}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    client = connect(settings)
    experiment = client.create_experiment(MODEL, artifact_location=settings.mlflow_artifacts.as_uri())
    client.create_registered_model(heart.registered_as)
    bundles = {}
    for version in (1, 2, 3):
        run_id = client.create_run(experiment).info.run_id
        if version < 3:
            bundles[version] = write_bundle(tmp_path / f"version-{version}", version=version, run_id=run_id, sample=False)
            client.log_artifacts(run_id, str(bundles[version].folder), "bundle")
        client.create_model_version(heart.registered_as, f"runs:/{run_id}/model", run_id)
    with (tmp_path / "gateway.log").open("w") as log:
        gateway = forking.gateway(os.environ, tmp_path, log.fileno())
    try:
        until(lambda: _answers(f"http://127.0.0.1:{main}/ping"), "the gateway answers")
        serving.deploy(heart, bundles[1], settings)
        yield settings
    finally:
        gateway.kill()
        gateway.wait()


def slipway(*arguments):
    return forking.slipway(*arguments, environment=os.environ, runs_flow=True, timeout=120)


def challenger(settings):
    headers = {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"}
    return httpx.get(f"{settings.gateway_url}/models/{MODEL}", headers=headers).json()["challenger"]


def aliases(settings):
    from slipway.tracking import registry
    from slipway.tracking.connection import connect

    return registry.state(connect(settings), "heart_failure_logistic").aliases


def test_a_version_is_tried_until_the_challenge_is_ended_and_both_are_logged(registered):
    begun = slipway("challenge", MODEL, "--version", "2", "--share", "0.1", "--json")

    assert begun.returncode == 0, begun.stderr
    reply = json.loads(begun.stdout)
    assert (reply.pop("model"), reply["version"], reply["share"]) == (MODEL, 2, 0.1)
    assert challenger(registered) == reply | {"error": None}
    assert aliases(registered) == {"challenger": 2}
    ended = slipway("challenge", MODEL, "--end")
    assert f"{MODEL}: the challenge is ended" in ended.stderr
    assert challenger(registered) is None
    assert aliases(registered) == {}
    assert json.loads(slipway("challenge", MODEL, "--end", "--json").stdout) == {"model": MODEL, "ended": False}
    acts = [(act.what, act.about) for act in audit.administration(registered.home, Wanted())]
    assert acts == [
        ("end challenge", MODEL),
        ("challenge", f"{MODEL}: version 2, it answers 10% of the requests"),
    ]


def test_a_version_that_cannot_be_tried_is_an_error_that_says_why(registered, heart):
    from typer.testing import CliRunner

    from deployments.cli import app

    for version, error, message in [
        ("1", "BundleError", "version 1 is in service already"),
        ("3", "RegistryError", "heart_failure_logistic version 3 has no bundle"),
        ("9", "RegistryError", "heart_failure_logistic has no version 9; the registry has: 1, 2, 3."),
    ]:
        shown = CliRunner().invoke(app, ["challenge", MODEL, "--version", version, "--json"])  # in this process, which has MLflow

        assert shown.exit_code == 1
        assert json.loads(shown.stdout)["error"] == error
        assert message in json.loads(shown.stdout)["message"]
    assert challenger(registered) is None


def _answers(url):
    try:
        return httpx.get(url, timeout=1.0).is_success
    except httpx.TransportError:
        return False
