"""Every path of the gateway: its method, its handler, and what a caller needs. A new path is one line here, and its handler."""

from __future__ import annotations

from slipway.gateway.endpoints.explain import explain
from slipway.gateway.endpoints.files.results import delete_file, file_result, predictions_of_file, rejected_of_file
from slipway.gateway.endpoints.files.sending import example_rows, file_form, send_file
from slipway.gateway.endpoints.models import model_openapi, model_ping, model_version, models, report, summary
from slipway.gateway.endpoints.operation import gateway_openapi, gateway_version, live, metrics, ping, ready
from slipway.gateway.endpoints.outcome import outcomes
from slipway.gateway.endpoints.pages.access.adding import add_key, add_user, key_form, user_form
from slipway.gateway.endpoints.pages.access.changing import change_roles, roles_form, rotate, rotate_form
from slipway.gateway.endpoints.pages.access.ending import revoke, revoke_form, sign_user_out, unlock
from slipway.gateway.endpoints.pages.access.overview import access_page, registered_page
from slipway.gateway.endpoints.pages.account import account, end_session, renew_recovery_codes, sign_out_everywhere
from slipway.gateway.endpoints.pages.acts import operator_act, operator_form, operator_run
from slipway.gateway.endpoints.pages.audit.export import export_audit_log
from slipway.gateway.endpoints.pages.audit.line import open_line
from slipway.gateway.endpoints.pages.audit.predictions import find_my_predictions, my_predictions, record_outcome
from slipway.gateway.endpoints.pages.audit.search import audit_page, search_audit_log
from slipway.gateway.endpoints.pages.front import choose_language, front_page, style
from slipway.gateway.endpoints.pages.predicting import change_values, predict_on_page, prediction_form
from slipway.gateway.endpoints.pages.provider import go_to_provider, return_from_provider
from slipway.gateway.endpoints.pages.second_factor import second_factor_page, set_up_second_factor
from slipway.gateway.endpoints.pages.service import service_overview, service_page, watch_report
from slipway.gateway.endpoints.pages.signing_in import sign_in, sign_in_page, sign_out
from slipway.gateway.endpoints.predict import invocations, predict
from slipway.gateway.endpoints.sessions import close_session, open_session
from slipway.gateway.routing import Route, Routes
from slipway.pages.service.acts import ACTS

ROUTES = Routes(
    [
        Route("GET", "/ping", ping),
        Route("GET", "/health", ping),
        Route("GET", "/health/live", live),
        Route("GET", "/health/ready", ready),
        Route("GET", "/metrics", metrics, needs="operate"),
        Route("GET", "/version", gateway_version),
        Route("GET", "/openapi.json", gateway_openapi),
        Route("POST", "/sessions", open_session),
        Route("DELETE", "/sessions", close_session, needs="any"),
        Route("GET", "/models", models, needs="any"),
        Route("GET", "/models/{model}", summary, needs="any"),
        Route("GET", "/models/{model}/ping", model_ping),
        Route("GET", "/models/{model}/health", model_ping),
        Route("GET", "/models/{model}/version", model_version),
        Route("GET", "/models/{model}/openapi.json", model_openapi, needs="any"),
        Route("POST", "/models/{model}/invocations", invocations, needs="predict"),
        Route("POST", "/models/{model}/predict", predict, needs="predict"),
        Route("POST", "/models/{model}/explain", explain, needs="predict"),
        Route("GET", "/models/{model}/report", report, needs="operate", basic=True),
        Route("POST", "/models/{model}/outcomes", outcomes, needs="outcome"),
        Route("GET", "/style.css", style, page=True),
        Route("GET", "/language", choose_language, page=True),
        Route("GET", "/sign-in", sign_in_page, page=True),
        Route("POST", "/sign-in", sign_in, page=True),
        Route("GET", "/sign-in/provider", go_to_provider, page=True),
        Route("GET", "/sign-in/callback", return_from_provider, page=True),
        Route("POST", "/sign-out", sign_out, needs="any", page=True, first=True),
        Route("GET", "/second-factor", second_factor_page, needs="any", page=True, first=True),
        Route("POST", "/second-factor", set_up_second_factor, needs="any", page=True, first=True),
        Route("GET", "/account", account, needs="any", page=True),
        Route("POST", "/account/end-session", end_session, needs="any", page=True),
        Route("POST", "/account/sign-out-everywhere", sign_out_everywhere, needs="any", page=True),
        Route("POST", "/account/recovery-codes", renew_recovery_codes, needs="any", page=True),
        Route("GET", "/predictions", my_predictions, needs="predict", also=("outcome",), page=True),
        Route("POST", "/predictions", find_my_predictions, needs="predict", also=("outcome",), page=True),
        Route("POST", "/predictions/outcome", record_outcome, needs="outcome", page=True),
        Route("GET", "/audit", audit_page, needs="audit", page=True),
        Route("POST", "/audit", search_audit_log, needs="audit", page=True),
        Route("POST", "/audit/line", open_line, needs="audit", page=True),
        Route("POST", "/audit/export", export_audit_log, needs="audit", page=True),
        Route("GET", "/", front_page, needs="any", page=True),
        Route("GET", "/predict/{model}", prediction_form, needs="predict", page=True),
        Route("POST", "/predict/{model}", predict_on_page, needs="predict", page=True),
        Route("POST", "/predict/{model}/values", change_values, needs="predict", page=True),
        Route("GET", "/service", service_overview, needs="operate", page=True),
        Route("GET", "/service/{model}", service_page, needs="operate", page=True),
        Route("GET", "/service/{model}/report", watch_report, needs="operate", page=True),
        Route("GET", "/files/{model}", file_form, needs="predict", page=True),
        Route("POST", "/files/{model}", send_file, needs="predict", page=True, file=True),
        Route("GET", "/files/{model}/example", example_rows, needs="predict", page=True),
        Route("GET", "/files/{model}/result", file_result, needs="predict", page=True),
        Route("GET", "/files/{model}/predictions", predictions_of_file, needs="predict", page=True),
        Route("GET", "/files/{model}/rejected", rejected_of_file, needs="predict", page=True),
        Route("POST", "/files/{model}/delete", delete_file, needs="predict", page=True),
        Route("GET", "/service/{model}/run", operator_run, needs="operate", page=True),
        *(Route("GET", f"/service/{{model}}/{address}", operator_form, needs="operate", page=True) for address in ACTS),
        *(Route("POST", f"/service/{{model}}/{address}", operator_act, needs="operate", page=True) for address in ACTS),
        Route("GET", "/access", access_page, needs="administer", page=True),
        Route("GET", "/access/add-user", user_form, needs="administer", page=True),
        Route("POST", "/access/add-user", add_user, needs="administer", page=True),
        Route("GET", "/access/add-key", key_form, needs="administer", page=True),
        Route("POST", "/access/add-key", add_key, needs="administer", page=True),
        Route("GET", "/access/one", registered_page, needs="administer", page=True),
        Route("GET", "/access/roles", roles_form, needs="administer", page=True),
        Route("POST", "/access/roles", change_roles, needs="administer", page=True),
        Route("GET", "/access/rotate", rotate_form, needs="administer", page=True),
        Route("POST", "/access/rotate", rotate, needs="administer", page=True),
        Route("GET", "/access/revoke", revoke_form, needs="administer", page=True),
        Route("POST", "/access/revoke", revoke, needs="administer", page=True),
        Route("POST", "/access/sign-out", sign_user_out, needs="administer", page=True),
        Route("POST", "/access/unlock", unlock, needs="administer", page=True),
    ]
)
