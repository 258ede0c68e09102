"""The routes: how a request finds its handler. A route's name is a label of the metrics, so it must not change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slipway.gateway.endpoints.routes import ROUTES
from slipway.gateway.replies import RequestError
from slipway.pages.service.acts import ACTS


def test_metrics_and_dashboards_know_the_routes_by_these_names() -> None:
    names = {(route.method, route.path): route.name for route in ROUTES if not route.page}
    pages = {(route.method, route.path): route.name for route in ROUTES if route.page}

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
        ("POST", "/models/{model}/explain"): "explain",
        ("GET", "/models/{model}/report"): "report",
        ("POST", "/models/{model}/outcomes"): "outcomes",
    }
    assert pages == {
        ("GET", "/"): "front_page",
        ("GET", "/style.css"): "style",
        ("GET", "/language"): "choose_language",
        ("GET", "/sign-in"): "sign_in_page",
        ("POST", "/sign-in"): "sign_in",
        ("GET", "/sign-in/provider"): "go_to_provider",
        ("GET", "/sign-in/callback"): "return_from_provider",
        ("POST", "/sign-out"): "sign_out",
        ("GET", "/predict/{model}"): "prediction_form",
        ("POST", "/predict/{model}"): "predict_on_page",
        ("POST", "/predict/{model}/values"): "change_values",
        ("GET", "/files/{model}"): "file_form",
        ("POST", "/files/{model}"): "send_file",
        ("GET", "/files/{model}/example"): "example_rows",
        ("GET", "/files/{model}/result"): "file_result",
        ("GET", "/files/{model}/predictions"): "predictions_of_file",
        ("GET", "/files/{model}/rejected"): "rejected_of_file",
        ("POST", "/files/{model}/delete"): "delete_file",
        ("GET", "/service"): "service_overview",
        ("GET", "/service/{model}"): "service_page",
        ("GET", "/service/{model}/report"): "watch_report",
        ("GET", "/service/{model}/run"): "operator_run",
        **{("GET", f"/service/{{model}}/{address}"): "operator_form" for address in ACTS},
        **{("POST", f"/service/{{model}}/{address}"): "operator_act" for address in ACTS},
        ("GET", "/predictions"): "my_predictions",
        ("POST", "/predictions"): "find_my_predictions",
        ("POST", "/predictions/outcome"): "record_outcome",
        ("GET", "/audit"): "audit_page",
        ("POST", "/audit"): "search_audit_log",
        ("POST", "/audit/line"): "open_line",
        ("POST", "/audit/export"): "export_audit_log",
        ("GET", "/second-factor"): "second_factor_page",
        ("POST", "/second-factor"): "set_up_second_factor",
        ("GET", "/account"): "account",
        ("POST", "/account/end-session"): "end_session",
        ("POST", "/account/sign-out-everywhere"): "sign_out_everywhere",
        ("POST", "/account/recovery-codes"): "renew_recovery_codes",
        ("GET", "/access"): "access_page",
        ("GET", "/access/add-user"): "user_form",
        ("POST", "/access/add-user"): "add_user",
        ("GET", "/access/add-key"): "key_form",
        ("POST", "/access/add-key"): "add_key",
        ("GET", "/access/one"): "registered_page",
        ("GET", "/access/roles"): "roles_form",
        ("POST", "/access/roles"): "change_roles",
        ("GET", "/access/rotate"): "rotate_form",
        ("POST", "/access/rotate"): "rotate",
        ("GET", "/access/revoke"): "revoke_form",
        ("POST", "/access/revoke"): "revoke",
        ("POST", "/access/sign-out"): "sign_user_out",
        ("POST", "/access/unlock"): "unlock",
    }


def test_what_needs_no_credential_is_what_the_page_about_security_says() -> None:
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    own, of_model, pages = re.findall(r"^- of (?:the gateway|a model|the pages): (.*?)[;.](?:$| <)", page, re.MULTILINE | re.DOTALL)
    listed = {word.removeprefix("POST ") for word in re.findall(r"`(.+?)`", own)}
    listed |= {f"/models/{{model}}{path}" for path in re.findall(r"`(.+?)`", of_model)}
    open_to_all = [route for route in ROUTES if route.needs == "nothing"]

    assert {route.path for route in open_to_all if not route.page} == listed
    assert {route.path for route in open_to_all if route.page} == set(re.findall(r"`(.+?)`", pages))
    assert [route.path for route in open_to_all if route.method != "GET"] == ["/sessions", "/sign-in"]


@pytest.mark.parametrize(
    ("path", "name", "model"),
    [
        ("/models/toy", "summary", "toy"),
        ("/models/{model}/ping", "model_ping", "{model}"),
        ("/models/toy/ping/", "model_ping", "toy"),
        ("/ping/", "ping", ""),
    ],
)
def test_a_models_path_is_found_with_the_models_name(path: str, name: str, model: str) -> None:
    route, found = ROUTES.find("GET", path)

    assert (route.name, found) == (name, model)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/models/",
        "/models//ping",
        "/models/toy/",
        "/models/toy/ping//",
        "/models/toy/a/b",
        "/predict",
    ],
)
def test_another_path_is_answered_with_404(path: str) -> None:
    with pytest.raises(RequestError, match="there is nothing at") as refused:
        ROUTES.find("GET", path)

    assert refused.value.status == 404


def test_another_method_is_answered_with_the_methods_of_the_path() -> None:
    with pytest.raises(RequestError, match="expected POST or DELETE, received GET") as refused:
        ROUTES.find("GET", "/sessions")

    assert (refused.value.status, refused.value.headers) == (405, ((b"allow", b"POST, DELETE"),))


@pytest.mark.parametrize(
    ("path", "own_port", "message"),
    [
        ("/invocations", False, "there is nothing at '/invocations'. A model's path is /models/<name>/invocations."),
        ("/model", False, "there is nothing at '/model'. It is probably /models."),
        (
            "/models/toy/docs",
            False,
            "there is nothing at '/models/toy/docs'. GET /models/toy/openapi.json describes every path.",
        ),
        ("/models/toy/invocation", False, "there is nothing at '/models/toy/invocation'. It is probably /models/toy/invocations."),
        ("/models/toy/invocation", True, "there is nothing at '/invocation'. It is probably /invocations."),
        ("/models/toy/", True, "there is nothing at '/'. GET /openapi.json describes every path."),
    ],
)
def test_the_message_about_an_unknown_path_has_the_path_that_was_asked_for_and_the_probable_one(
    path: str, own_port: bool, message: str
) -> None:
    with pytest.raises(RequestError) as refused:
        ROUTES.find("GET", path, own_port=own_port)

    assert str(refused.value) == message


def test_the_message_about_another_method_has_the_path_that_was_asked_for() -> None:
    with pytest.raises(RequestError, match=r"^/predict: expected POST, received HEAD"):
        ROUTES.find("HEAD", "/models/toy/predict", own_port=True)
