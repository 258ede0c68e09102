"""The routes: how a request finds its handler. A route's name is a label of the metrics, so it must not change."""

from __future__ import annotations

import pytest

from slipway.gateway.endpoints.routes import ROUTES
from slipway.gateway.replies import RequestError


def test_metrics_and_dashboards_know_the_routes_by_these_names() -> None:
    names = {(route.method, route.path): route.name for route in ROUTES}

    assert names == {
        ("GET", "/ping"): "ping",
        ("GET", "/health"): "ping",
        ("GET", "/health/live"): "live",
        ("GET", "/health/ready"): "ready",
        ("GET", "/metrics"): "metrics",
        ("GET", "/version"): "gateway_version",
        ("GET", "/openapi.json"): "gateway_openapi",
        ("POST", "/sessions"): "open_session",
        ("DELETE", "/sessions"): "close_session",
        ("GET", "/models"): "models",
        ("GET", "/models/{model}"): "summary",
        ("GET", "/models/{model}/ping"): "model_ping",
        ("GET", "/models/{model}/health"): "model_ping",
        ("GET", "/models/{model}/version"): "model_version",
        ("GET", "/models/{model}/openapi.json"): "model_openapi",
        ("POST", "/models/{model}/invocations"): "invocations",
        ("POST", "/models/{model}/predict"): "predict",
        ("GET", "/models/{model}/report"): "report",
        ("POST", "/models/{model}/outcomes"): "outcomes",
    }


@pytest.mark.parametrize(("path", "name", "model"), [("/models/toy", "summary", "toy"), ("/models/{model}/ping", "model_ping", "{model}")])
def test_a_models_path_is_found_with_the_models_name(path: str, name: str, model: str) -> None:
    route, found = ROUTES.find("GET", path)

    assert (route.name, found) == (name, model)


@pytest.mark.parametrize("path", ["/", "", "/models/", "/models//ping", "/models/toy/", "/models/toy/ping/", "/models/toy/a/b", "/predict"])
def test_another_path_is_answered_with_404(path: str) -> None:
    with pytest.raises(RequestError, match="there is nothing at") as refused:
        ROUTES.find("GET", path)

    assert refused.value.status == 404


def test_another_method_is_answered_with_the_methods_of_the_path() -> None:
    with pytest.raises(RequestError, match="expected POST or DELETE, received GET") as refused:
        ROUTES.find("GET", "/sessions")

    assert (refused.value.status, refused.value.headers) == (405, ((b"allow", b"POST, DELETE"),))
